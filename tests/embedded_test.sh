#!/bin/sh
# The device library as firmware projects take it in: every configuration, a vendored folder and one compiler
# line, on five kinds of processors; a Zephyr module, an ESP-IDF component, and code for MCUboot.
#
#   sh tests/embedded_test.sh FWDELTA
#
# FWDELTA is the command. Works in build/embedded. Prints "N passed, M failed" at the end.
set -eu
case ${1:?usage: sh tests/embedded_test.sh FWDELTA} in /*) fwdelta=$1 ;; *) fwdelta=$PWD/$1 ;; esac
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build/embedded
rm -rf "$work"
mkdir -p "$work"
passed=0
failed=0

# check NAME COMMAND...: its output is shown only if it fails.
check() {
  name=$1
  shift
  # Not in the condition itself: there, a failure in the midst of a function would not end it.
  set +e
  (set -e; "$@") >"$work/log" 2>&1
  code=$?
  set -e
  if [ $code -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
    tail -n 20 "$work/log"
  fi
}

warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
freestanding='-ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics'

# What a firmware takes: three folders of libdelta, in one of its own.
mkdir -p "$work/vendor/libdelta"
cp -R libdelta/wire libdelta/device libdelta/include "$work/vendor/libdelta"

# --- Configurations (libdelta/config.h) ----------------------------------------------------------------

# Every combination, as one source file each: that is what takes least time. NO_ZSTD is independent of all but
# NO_FULL_IMAGE, which includes it, and only tried alone.
mkdir "$work/configurations"
for source in libdelta/wire/*.cc libdelta/device/*.cc; do
  echo "#include \"$source\""
done >"$work/configurations/all.cc"
awk 'BEGIN {
  macros = "NO_IN_PLACE NO_TWO_SLOT NO_TEMPLATES NO_FULL_IMAGE NO_P256 NO_ED25519 ALLOW_UNSIGNED"
  count = split(macros, macro, " ")
  for (set = 0; set < 2 ^ count; set++) {
    flags = ""
    delete has
    for (i = 1; i <= count; i++) {
      if (int(set / 2 ^ (i - 1)) % 2 == 0) continue
      has[macro[i]] = 1
      flags = flags " -DLIBDELTA_" macro[i]
    }
    is_useless = (has["NO_P256"] && has["NO_ED25519"] && !has["ALLOW_UNSIGNED"]) ||
      (has["NO_IN_PLACE"] && has["NO_TWO_SLOT"])
    print (is_useless ? "refuse" : "accept") " " set flags
  }
  print "accept zstd -DLIBDELTA_NO_ZSTD"
}' >"$work/configurations/list"
cat >"$work/configurations/compile.sh" <<END
set -eu
verdict=\$1
object=\$2.o
shift 2
if arm-none-eabi-g++ -c -std=c++17 -mcpu=cortex-m0plus -mthumb -Os $freestanding $warnings -I. \\
  -Ilibdelta/include "\$@" "$work/configurations/all.cc" -o "$work/configurations/\$object" \\
  >"$work/configurations/\$object.log" 2>&1; then
  compiled=accept
else
  compiled=refuse
fi
[ \$compiled = \$verdict ] && exit
echo "FAILED: \$*: \$compiled"
cat "$work/configurations/\$object.log"
END
xargs -P "$(nproc)" -L 1 sh "$work/configurations/compile.sh" <"$work/configurations/list" \
  >"$work/configurations/log"
cat "$work/configurations/log"
combinations=$(wc -l <"$work/configurations/list")
wrong=$(grep -c '^FAILED' "$work/configurations/log" || true)
echo "$combinations configurations"
passed=$((passed + combinations - wrong))
failed=$((failed + wrong))
# Each macro makes the library smaller, alone and with all others.
code_of() { arm-none-eabi-size "$work/configurations/$1.o" | awk 'NR == 2 { print $1 }'; }
for one in 1 2 4 8 16 zstd; do
  check "macro $one saves bytes" [ "$(code_of $one)" -lt "$(code_of 0)" ]
done

# --- One compiler line ---------------------------------------------------------------------------------

# drop_in NAME PREFIX MACHINE...: compiles the vendored folder, and links it to a C program for that machine.
# shellcheck disable=SC2086 # The variables hold lists of flags.
drop_in() {
  name=$1
  prefix=$2
  shift 2
  mkdir "$work/$name"
  (
    cd "$work/$name"
    "${prefix}g++" -c "$@" -Os -std=c++17 $freestanding $warnings -I../vendor -I../vendor/libdelta/include \
      ../vendor/libdelta/wire/*.cc ../vendor/libdelta/device/*.cc
    "${prefix}gcc" -c "$@" -Os -std=c99 -ffreestanding -fno-tree-loop-distribute-patterns $warnings \
      -DPUSHED -DSTORED -I../vendor/libdelta/include -I"$root" "$root/bench/footprint/stub.c"
    "${prefix}gcc" "$@" -nostdlib -Wl,--no-undefined,-e,stub_main,--defsym=config=0x20000000 \
      -Wl,--defsym=ram=0x20001000,--defsym=radio=0x20000800 ./*.o -lgcc -o "$name.elf"
  )
}
check 'drop in: armv6-m' drop_in armv6-m arm-none-eabi- -mthumb -march=armv6-m
check 'drop in: armv7-m' drop_in armv7-m arm-none-eabi- -mthumb -march=armv7-m
check 'drop in: armv8-m, baseline' drop_in armv8-m.base arm-none-eabi- -mthumb -march=armv8-m.base
check 'drop in: armv8-m, mainline' drop_in armv8-m.main arm-none-eabi- -mthumb -march=armv8-m.main
check 'drop in: rv32imc' drop_in rv32imc riscv64-unknown-elf- -march=rv32imc -mabi=ilp32 \
  --specs=picolibc.specs

# The STM32F4's port and scripts link; tests/stm32f4_test.cc has the rest.
# shellcheck disable=SC2086
stm32f4() {
  cd "$work/armv7-m"
  arm-none-eabi-gcc -c -mcpu=cortex-m4 -mthumb -Os -std=c99 $warnings -I"$root" \
    "$root/libdelta/ports/stm32f4.c"
  for part in bootloader application; do
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -nostdlib -Wl,--no-undefined,--fatal-warnings,-e,stub_main \
      -Wl,--defsym=config=0x08000000,--defsym=ram=0x20001000,--defsym=radio=0x20000800 \
      -T "$root/libdelta/ports/stm32f4_$part.ld" ./*.o -lgcc -o stm32f4-$part
  done
  arm-none-eabi-objdump -h stm32f4-bootloader | grep -q '\.text  *[0-9a-f]*  08000000'
  arm-none-eabi-objdump -h stm32f4-application | grep -q '\.text  *[0-9a-f]*  08008000'
}
check 'STM32F4: port and linker scripts' stm32f4

# On a host with 32 bits it also runs, with both kinds of signatures and a real pair of images: code that has
# grown by a feature.
arm-none-eabi-objcopy -O binary -j .text "$work/configurations/1.o" "$work/old.bin"
arm-none-eabi-objcopy -O binary -j .text "$work/configurations/0.o" "$work/new.bin"
# drop_in_host ALGORITHM FLAG PACKAGES: in a folder of that name.
# shellcheck disable=SC2046,SC2086 # Lists of files and flags.
drop_in_host() {
  folders=
  sources=
  adapters=
  for package in $3; do
    crypto=$(sh tools/crypto_sources.sh "$package" build/crypto)
    folders="$folders -isystem $crypto/inc -isystem $crypto/src -isystem $crypto/crypto"
    sources="$sources $(sh tools/crypto_sources.sh --files "$crypto")"
    adapters="$adapters $root/libdelta/adapters/$package.c"
  done
  mkdir "$work/$1"
  cd "$work/$1"
  "$fwdelta" keygen --out release --algorithm "$1"
  sh "$root/tools/bootloader/key.sh" release.pub >release_key.h
  : >hasasmvolatilememory.h # Of TinySSH's makefile.
  g++ -c -m32 $2 -Os -std=c++17 $freestanding $warnings -I../vendor -I../vendor/libdelta/include \
    ../vendor/libdelta/wire/*.cc ../vendor/libdelta/device/*.cc
  gcc -m32 $2 -O1 -std=c99 -I. -I../vendor/libdelta/include -I"$root" $folders $warnings -c \
    "$root/tests/embedded/drop_in.c" $adapters
  gcc -m32 -O1 -ffunction-sections -w -I. $folders -c $sources
  g++ -m32 -Wl,--gc-sections ./*.o -o drop_in
  "$fwdelta" create ../old.bin ../new.bin --key release.key --ram 15K --out patch.fwd
  ./drop_in ../old.bin patch.fwd result.bin | grep -x '32 bits: the new image is complete and verified'
  cmp ../new.bin result.bin
}
# drop_in_refuses ALGORITHM OFFSET: one bit of that byte of the patch, counted from the header's end, is
# another one.
drop_in_refuses() {
  cd "$work/$1"
  header=$("$fwdelta" info patch.fwd --json | sed -n 's/.*"header_length": \([0-9]*\).*/\1/p')
  at=$((header - $2))
  cp patch.fwd changed.fwd
  byte=$(od -A n -t u1 -j $at -N 1 patch.fwd | tr -d ' ')
  # shellcheck disable=SC2059 # The format is the byte.
  printf "\\$(printf '%03o' $((byte ^ 8)))" | dd of=changed.fwd bs=1 seek=$at conv=notrunc
  ./drop_in ../old.bin changed.fwd result.bin | grep -x '32 bits: too few valid signatures by trusted keys'
}
for algorithm in p256 ed25519; do
  case $algorithm in
    p256) check 'host with 32 bits: P-256' drop_in_host p256 -DLIBDELTA_NO_ED25519 bearssl ;;
    ed25519) check 'host with 32 bits: Ed25519' drop_in_host ed25519 -DLIBDELTA_NO_P256 'bearssl tinyssh' ;;
  esac
  # The header's end, its last bytes and first ones: S, R, what is signed.
  for offset in 1 32 33 64 120; do
    check "host with 32 bits: $algorithm, bit changed $offset from the end" drop_in_refuses $algorithm $offset
  done
done
no_other_base() {
  cd "$work/p256"
  ./drop_in ../new.bin patch.fwd result.bin | grep -q 'base image is not the one'
}
check 'host with 32 bits: another base is refused' no_other_base

# --- Build systems of others ---------------------------------------------------------------------------

# Debian's: the packages are for that one.
modules="/usr/bin/python3 $root/tests/embedded/modules.py"
ports=libdelta/ports
# What config.h documents, what the options are, and what the build files look for, are the same.
sed -n 's/^ \* - LIBDELTA_\([A-Z0-9_]*\): .*/\1/p' libdelta/include/libdelta/config.h | sort >"$work/macros"
# shellcheck disable=SC2086
same_options() {
  $modules kconfig "$1" | sort >"$work/options"
  diff "$work/macros" "$work/options"
}
same_names() {
  sed -n '/^set(LIBDELTA_MACROS$/ { n; s/^ *\(.*\))$/\1/p; }' $ports/features.cmake | tr ' ' '\n' | sort \
    >"$work/names"
  diff "$work/macros" "$work/names"
}
check 'config.h documents macros' [ "$(wc -l <"$work/macros")" -ge 8 ]
check 'Zephyr: an option for each macro' same_options tests/embedded/zephyr.kconfig
check 'ESP-IDF: an option for each macro' same_options $ports/esp-idf/libdelta/Kconfig
check 'both: the build files know the macros' same_names
module_yml() {
  [ "$($modules yaml $ports/zephyr/module.yml name)" = libdelta ]
  [ -f "$ports/$($modules yaml $ports/zephyr/module.yml build.cmake)/CMakeLists.txt" ]
  [ -f "$ports/$($modules yaml $ports/zephyr/module.yml build.kconfig)" ]
}
check 'Zephyr: module.yml and what it names' module_yml
# shellcheck disable=SC2086
check 'ESP-IDF: idf_component.yml' $modules yaml $ports/esp-idf/libdelta/idf_component.yml version \
  description license dependencies.idf

# module NAME KCONFIG BUILD_FILE CMAKE_OPTIONS...: chooses options, and builds with what Kconfig makes of
# them.
# shellcheck disable=SC2086
module() {
  name=$1
  kconfig=$2
  build_file=$3
  shift 3
  $modules kconfig "$kconfig" $chosen LIBDELTA_NO_ED25519=y >"$work/chosen"
  for option in $(cat "$work/chosen"); do set -- "$@" "-DCONFIG_LIBDELTA_$option=y"; done
  cmake -G Ninja -S tests/embedded/modules -B "$work/$name" -DBUILD_FILE="$root/$build_file" \
    -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY "$@"
  cmake --build "$work/$name"
  library=$(find "$work/$name" -name liblibdelta.a)
  for function in init push finish apply_stored recover; do
    nm "$library" | grep -q " T libdelta_$function\$"
  done
}
chosen=LIBDELTA=y
check 'Zephyr: CMakeLists.txt' module zephyr tests/embedded/zephyr.kconfig $ports/zephyr/CMakeLists.txt \
  -DCONFIG_LIBDELTA=y -DCMAKE_C_COMPILER=arm-none-eabi-gcc -DCMAKE_CXX_COMPILER=arm-none-eabi-g++ \
  "-DCMAKE_C_FLAGS=-mcpu=cortex-m4 -mthumb" "-DCMAKE_CXX_FLAGS=-mcpu=cortex-m4 -mthumb"
chosen=
rv32='-march=rv32imc -mabi=ilp32 --specs=picolibc.specs'
check 'ESP-IDF: CMakeLists.txt' module esp-idf $ports/esp-idf/libdelta/Kconfig \
  $ports/esp-idf/libdelta/CMakeLists.txt "-DCMAKE_C_FLAGS=$rv32" "-DCMAKE_CXX_FLAGS=$rv32" \
  -DCMAKE_C_COMPILER=riscv64-unknown-elf-gcc -DCMAKE_CXX_COMPILER=riscv64-unknown-elf-g++

# The code of the guide.
# shellcheck disable=SC2086
mcuboot() {
  awk '/^<!-- compiled: mcuboot -->$/ { marked = 1 }
    inside && /^```$/ { exit }
    inside { print }
    marked && /^```c$/ { inside = 1 }' $ports/mcuboot.md >"$work/mcuboot.c"
  [ -s "$work/mcuboot.c" ]
  arm-none-eabi-gcc -c -mcpu=cortex-m0plus -mthumb -Os -std=c99 $warnings -DLIBDELTA_NO_ZSTD \
    -Ilibdelta/include -Itests/embedded/mcuboot "$work/mcuboot.c" -o "$work/mcuboot.o"
}
check 'MCUboot: the code of the guide compiles' mcuboot

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
