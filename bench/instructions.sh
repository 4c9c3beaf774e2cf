#!/bin/sh
# Instructions that the device library takes for each byte of a new image, and what share of an update's time
# that is on each board of libdelta/sim/profiles; the head of bench/instructions.cc says what is measured.
#
#   sh bench/instructions.sh [--check]      writes bench/results/instructions.csv, or compares with it
#
# Counts are those of QEMU's Cortex-M4 (mps2-an386, -icount): for the same compiler the same on every machine.
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
  '' | --check) mode=${1:-} ;;
  *) echo 'usage: sh bench/instructions.sh [--check]' >&2; exit 2 ;;
esac
for program in arm-none-eabi-gcc qemu-system-arm; do
  command -v $program >/dev/null && continue
  echo "instructions.sh: no $program: sh tools/deps.sh arm qemu" >&2
  exit 1
done
work=build/instructions
results=bench/results/instructions.csv
mkdir -p $work
bearssl=$(sh tools/crypto_sources.sh bearssl build/crypto)

# firmware NAME CPU OPTIMISATION: with the library as in bench/footprint.sh.
# shellcheck disable=SC2046,SC2086 # Lists of flags and files.
firmware() {
  dir=$work/$1
  rm -rf "$dir"
  mkdir "$dir"
  machine="-mthumb -mcpu=$2"
  flags="$machine $3 -ffreestanding -ffunction-sections -fdata-sections -DLIBDELTA_NO_ZSTD
    -DLIBDELTA_ALLOW_UNSIGNED -Ilibdelta/include -I. -Ibench/instructions"
  for source in libdelta/wire/*.cc libdelta/device/*.cc; do
    arm-none-eabi-g++ -std=c++17 $flags -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-unwind-tables \
      -c "$source" -o "$dir/$(basename "$source").o"
  done
  for source in bench/instructions/firmware.c libdelta/adapters/bearssl.c \
    $(sh tools/crypto_sources.sh --files "$bearssl"); do
    arm-none-eabi-gcc -std=c99 $flags -fno-tree-loop-distribute-patterns -isystem "$bearssl/inc" \
      -isystem "$bearssl/src" -c "$source" -o "$dir/$(basename "$source").o"
  done
  arm-none-eabi-gcc $machine -nostdlib -Wl,--gc-sections,--no-undefined -T bench/instructions/firmware.ld \
    "$dir"/*.o -lgcc -o "$work/$1.elf"
}
firmware cortex-m0plus cortex-m0plus -Os
firmware cortex-m4 cortex-m4 -Os
firmware cortex-m4-O2 cortex-m4 -O2

cmake --preset release >/dev/null
cmake --build --preset release --target bench_instructions >/dev/null
gcc=$(arm-none-eabi-gcc -dumpfullversion)
if [ "$mode" = --check ]; then
  build/release/bench/bench_instructions --folder $work --gcc "$gcc" --short --check $results
else
  build/release/bench/bench_instructions --folder $work --gcc "$gcc" --out $results
fi
