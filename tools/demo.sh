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

matches() { echo "$2  $1" | sha256sum -c --status 2>/dev/null; }

# fetch VERSION SHA256 FILE: firmware-base.bin of one release, checked; kept for the next run.
fetch() {
  matches "$3" "$2" && return 0
  scratch=$work/npm-$1
  rm -rf "$scratch"
  mkdir -p "$scratch"
  echo "fetching @pybricks/firmware $1 with npm"
  if ! npm pack --loglevel error --fetch-retries 1 --cache "$PWD/$work/npm-cache" \
    --pack-destination "$scratch" "@pybricks/firmware@$1" >"$scratch/log" 2>&1; then
    grep 'npm ERR' "$scratch/log" | head -n 3 | sed 's/^/  /'
    return 1
  fi
  tar -xzf "$scratch"/*.tgz -C "$scratch" package/build/primehub.zip || return 1
  unzip -q -p "$scratch/package/build/primehub.zip" firmware-base.bin >"$scratch/image" || return 1
  if ! matches "$scratch/image" "$2"; then
    echo "demo: @pybricks/firmware $1 is not what was published: not used" >&2
    return 1
  fi
  mv "$scratch/image" "$3"
  rm -rf "$scratch"
}

release_old=c3a35aac165c75ac5cfb2938ce1253258b9602ab51c128cd3b28dddc85a75431
release_new=e5fd8bbd1030d7db5569b40f0758184ac04175c156ef2c4f72130bfd9e4c6316

real_pair() {
  old=$work/primehub-7.27.0.bin
  new=$work/primehub-7.28.0.bin
  if ! matches $old $release_old || ! matches $new $release_new; then
    command -v npm >/dev/null 2>&1 || sh tools/deps.sh npm || return 1
    fetch 7.27.0 $release_old $old && fetch 7.28.0 $release_new $new || return 1
  fi
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
if ! { cmake --preset release -B $work/tool -DLIBDELTA_BUILD_TESTS=OFF -DLIBDELTA_BUILD_BENCH=OFF &&
  cmake --build $work/tool --target fwdelta -j "$(nproc)"; } >$work/build.log 2>&1; then
  tail -n 40 $work/build.log >&2
  die "the build failed; see $work/build.log"
fi
fwdelta=$PWD/$work/tool/tools/fwdelta
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

# row NAME PROGRAM MAKE UNDO: size of what MAKE writes to peer.out, if UNDO brings the new image back.
row() {
  if ! command -v "$2" >/dev/null 2>&1; then
    printf '  %-34s %10s\n' "$1" 'missing'
    return 0
  fi
  rm -f peer.out peer.new
  if ! sh -c "$3" >peer.log 2>&1 || ! sh -c "$4" >>peer.log 2>&1 || ! cmp -s peer.new new.bin; then
    cat peer.log >&2
    die "$1 does not work here"
  fi
  line "$1" "$(size_of peer.out)"
}
line() {
  awk -v name="$1" -v size="$2" -v whole="$whole" \
    'BEGIN { printf "  %-34s %10d %8.2f %%\n", name, size, 100 * size / whole }'
}

say 'What has to be sent (bytes, and share of the full image)'
line 'full image' "$whole"
row 'xz -9e' xz 'xz -9ec new.bin >peer.out' 'xz -dc peer.out >peer.new'
row 'zstd -19' zstd 'zstd -q19 new.bin -o peer.out' 'zstd -qd peer.out -o peer.new'
row 'xdelta3 -9 -S lzma' xdelta3 'xdelta3 -e -9 -S lzma -s old.bin new.bin peer.out' \
  'xdelta3 -d -s old.bin peer.out peer.new'
row 'zstd --ultra -22 --patch-from' zstd \
  'zstd -q --ultra -22 --long=27 --patch-from=old.bin new.bin -o peer.out' \
  'zstd -qd --long=27 --patch-from=old.bin peer.out -o peer.new'
row 'bsdiff' bsdiff 'bsdiff old.bin new.bin peer.out' 'bspatch old.bin peer.new peer.out'
line 'fwdelta, signed' "$patch"
rm -f peer.out peer.new peer.log
echo '  (of these, only fwdelta is signed and checked chunk by chunk, and runs in 64 KiB of RAM)'

[ "$patch" -lt "$whole" ] || die 'the patch is not smaller than the image'
say 'Everything as expected'
