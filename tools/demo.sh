#!/bin/sh
# Shows the main job on a real device's firmware: two releases, a signed patch, what refuses it and what
# applies it, and what other ways of sending the update cost. Installs what is missing (Debian), builds
# with cmake, works in build/demo. Fails if anything is not as it should be.
#
#   sh tools/demo.sh              LEGO SPIKE Prime hub firmware of the Pybricks project, 7.27.0 -> 7.28.0,
#                                 from npm; the bundled pair where that cannot be had
#   sh tools/demo.sh --bundled    a sensor node's firmware, compiled here for Cortex-M4 from
#                                 tools/demo/firmware; needs no network
set -eu
cd "$(dirname "$0")/.."

mode=${1:-}
case $mode in
  '' | --bundled) ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

work=build/demo
mkdir -p $work

say() { printf '\n== %s\n' "$*"; }
die() {
  echo "demo: $*" >&2
  exit 1
}
size_of() { wc -c <"$1" | tr -d ' '; }

# expect CODE COMMAND...: shows a command of fwdelta and what it prints, and insists on the exit code.
input=
expect() {
  wanted=$1
  shift
  printf '$ %sfwdelta %s\n' "$input" "$*"
  result=0
  "$fwdelta" "$@" || result=$?
  [ "$wanted" -eq 0 ] || printf '(exit code %s)\n' $result
  [ $result -eq "$wanted" ] || die "exit code $result where $wanted was expected"
}

# --- the pair -------------------------------------------------------------------------------------

real_pair() {
  command -v npm >/dev/null 2>&1 || sh tools/deps.sh npm || return 1
  pair=pyb-primehub-7.27.0-7.28.0
  sh bench/corpus.sh fetch --only $pair $work/corpus || return 1
  old=$work/corpus/public/$pair/old.bin
  new=$work/corpus/public/$pair/new.bin
  hardware=spike-prime-hub
  title='LEGO SPIKE Prime hub, Pybricks firmware 7.27.0 -> 7.28.0 (Cortex-M4, MIT licence)'
}

# compile VERSION FILE
compile() {
  arm-none-eabi-gcc -std=c99 -O2 -mcpu=cortex-m4 -mthumb -ffreestanding -fno-tree-loop-distribute-patterns \
    -nostdlib -DFIRMWARE_VERSION="$1" -T tools/demo/firmware/firmware.ld tools/demo/firmware/*.c -lgcc \
    -o "$work/node-v$1.elf"
  arm-none-eabi-objcopy -O binary "$work/node-v$1.elf" "$2"
}

bundled_pair() {
  sh tools/deps.sh arm
  old=$work/node-v1.bin
  new=$work/node-v2.bin
  compile 1 $old
  compile 2 $new
  hardware=sensor-node
  title='sensor node, version 1 -> 2, compiled just now from tools/demo/firmware (Cortex-M4)'
}

sh tools/deps.sh build demo
say 'Building'
# Where everything has been built already, this takes no time.
tool=build/release
[ -f $tool/build.ninja ] || tool=$work/tool
if ! { { [ -f $tool/build.ninja ] ||
  cmake --preset release -B $tool -DLIBDELTA_BUILD_TESTS=OFF -DLIBDELTA_BUILD_BENCH=OFF; } &&
  cmake --build $tool --target fwdelta -j "$(nproc)"; } >$work/build.log 2>&1; then
  tail -n 40 $work/build.log >&2
  die "the build failed; see $work/build.log"
fi
fwdelta=$PWD/$tool/tools/fwdelta
echo 'fwdelta is ready'

say 'Two releases of one firmware'
if [ "$mode" = --bundled ]; then
  bundled_pair
elif ! real_pair; then
  echo 'NOTE: the real firmware cannot be had (no network, or no npm): using the bundled pair instead.'
  bundled_pair
fi
echo "$title"
cp "$old" $work/old.bin
cp "$new" $work/new.bin
tree=$PWD
cd $work
echo "old.bin $(size_of old.bin) bytes, new.bin $(size_of new.bin) bytes"
rm -f release.key release.pub ./*.fwd result.bin

# --- the job --------------------------------------------------------------------------------------

say 'A key, and a signed patch'
expect 0 keygen --out release
expect 0 create old.bin new.bin --key release.key --hardware $hardware --counter 28 --stats --out update.fwd

say 'What is in it'
expect 0 info update.fwd

say 'Refused: one bit of the patch flipped'
# flip FILE OFFSET: inverts the lowest bit of one byte.
flip() {
  byte=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
  printf '%b' "\\0$(printf '%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
cp update.fwd tampered.fwd
flip tampered.fwd $(($(size_of update.fwd) / 2 + 100))
expect 4 apply old.bin tampered.fwd --trust release.pub --hardware $hardware --out result.bin
echo '... and one in the header:'
cp update.fwd tampered.fwd
flip tampered.fwd 10
expect 5 apply old.bin tampered.fwd --trust release.pub --out result.bin

say 'Refused: another base image'
expect 8 apply new.bin update.fwd --trust release.pub --hardware $hardware --out result.bin

say 'Refused: other hardware, older counter'
expect 6 apply old.bin update.fwd --trust release.pub --hardware toaster --out result.bin
expect 7 apply old.bin update.fwd --trust release.pub --hardware $hardware --min-counter 29 --out result.bin
[ ! -e result.bin ] || die 'a refused patch left an output file'

say 'Applied, from a pipe, by the code that a device runs'
input='cat update.fwd | '
# Odd pieces, as a radio link would deliver them.
dd if=update.fwd bs=77 2>/dev/null |
  expect 0 apply old.bin - --trust release.pub --hardware $hardware --min-counter 28 --ram 64K \
    --out result.bin
cmp result.bin new.bin || die 'the result differs from the new image'
echo 'result.bin and new.bin are the same, byte for byte'

# --- the comparison -------------------------------------------------------------------------------

whole=$(size_of new.bin)
patch=$(size_of update.fwd)

line() {
  awk -v name="$1" -v size="$2" -v whole="$whole" \
    'BEGIN { printf "  %-34s %10d %8.2f %%\n", name, size, 100 * size / whole }'
}
# row NAME PEER: what bench/peers.sh has found about that peer.
row() {
  found=$(awk -F '\t' -v peer="$2" '$1 == peer { print $3, $4 }' peers)
  case $found in
    missing*) printf '  %-34s %10s\n' "$1" missing ;;
    measured*) line "$1" "${found#* }" ;;
    *) die "$1 does not work here" ;;
  esac
}

say 'What has to be sent (bytes, and share of the full image)'
line 'full image' "$whole"
sh "$tree/bench/peers.sh" old.bin new.bin >peers
row 'xz -9e' xz
row 'zstd -19' zstd:19
row 'xdelta3 -9 -S lzma' xdelta3:9-lzma
row 'zstd --ultra -22 --patch-from' zstd:patch-from-22
row 'bsdiff' bsdiff:debian
line 'fwdelta, signed' "$patch"
rm -f peers
echo '  (of these, only fwdelta is signed and checked chunk by chunk, and runs in 64 KiB of RAM)'

[ "$patch" -lt "$whole" ] || die 'the patch is not smaller than the image'
say 'Everything as expected'
