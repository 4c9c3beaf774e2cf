#!/bin/sh
# Installs the Debian packages that a job needs and that are missing; does nothing when all are there.
# The one place that names packages.
#
#   sh tools/deps.sh SET...      sets: build, arm, riscv, qemu, test, demo, bench, report, browser, npm
set -eu

build_packages='cmake ninja-build g++ pkgconf libsodium-dev libmbedtls-dev libzstd-dev
  libdivsufsort-dev libxxhash-dev libcli11-dev libfmt-dev nlohmann-json3-dev'
# newlib for <string.h> only; nothing of it is linked.
arm_packages='gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi libnewlib-dev'
# picolibc for <string.h> only.
riscv_packages='gcc-riscv64-unknown-elf binutils-riscv64-unknown-elf picolibc-riscv64-unknown-elf'
# xz-utils for the source archive that tools/crypto_sources.sh fetches.
qemu_packages='qemu-system-arm qemu-system-misc xz-utils'
# g++-12-multilib is for -m32; g++-multilib would not go together with g++-mips-linux-gnu.
test_packages='libgtest-dev libgmock-dev clang-format-14 clang-tidy-14 clang
  libclang-rt-14-dev llvm-14 shellcheck openssl libbearssl-dev
  qemu-user g++-mips-linux-gnu valgrind g++-12-multilib python3-yaml python3-kconfiglib'
demo_packages='unzip bsdiff xdelta3 zstd xz-utils ca-certificates'
bench_packages='libgtest-dev libgmock-dev libbenchmark-dev'
# Programs that bench/report.sh compares with, beyond those of the demo.
report_packages='rdiff brotli'

[ $# -gt 0 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
wanted=
for set_name in "$@"; do
  case $set_name in
    build) wanted="$wanted $build_packages" ;;
    arm) wanted="$wanted $arm_packages" ;;
    riscv) wanted="$wanted $riscv_packages" ;;
    qemu) wanted="$wanted $qemu_packages" ;;
    test) wanted="$wanted $test_packages" ;;
    demo) wanted="$wanted $demo_packages" ;;
    bench) wanted="$wanted $bench_packages" ;;
    report) wanted="$wanted $report_packages" ;;
    browser) wanted="$wanted chromium" ;;
    # Only where no npm of another origin is there: tools/demo.sh looks for it first.
    npm) wanted="$wanted npm" ;;
    *) echo "deps.sh: no set of packages is called '$set_name'" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
  echo "deps.sh: this is not a Debian machine; install the equivalents of these packages yourself:" >&2
  echo "$wanted" | tr -s ' \n' '\n\n' | sort -u | sed '/^$/d; s/^/  /' >&2
  echo "deps.sh: going on and hoping that they are there" >&2
  exit 0
fi

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  case " $missing " in *" $package "*) continue ;; esac
  case $status in
    'install ok installed') ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "deps.sh: these packages are missing and only root can install them:$missing" >&2
    exit 1
  fi
  as_root='sudo'
fi

echo "deps.sh: installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_apt() {
  # shellcheck disable=SC2086 # $as_root is empty or one word.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}
# Package lists of a fresh machine are empty or old; without a network the install below will say so.
run_apt -q update || echo "deps.sh: 'apt-get update' failed; trying with the lists at hand" >&2
# shellcheck disable=SC2086 # One argument per package.
if ! run_apt -q install -y --no-install-recommends $missing; then
  tail -n 20 "$log" >&2
  echo "deps.sh: could not install$missing" >&2
  exit 1
fi
