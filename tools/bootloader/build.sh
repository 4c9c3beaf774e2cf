#!/bin/sh
# Compiles the bootloader, and releases of the application, for the BBC micro:bit.
#
#   sh tools/bootloader/build.sh KEY.pub BEARSSL OUT
#
# KEY.pub is from `fwdelta keygen --algorithm p256`; BEARSSL has inc/ and src/ of BearSSL (tools/bearssl.sh);
# OUT gets bootloader.elf and .bin, and application-1 to -3, .elf and .bin. CPU=cortex-m0plus in the
# environment is for other cores.
set -eu
case ${3:?usage: sh tools/bootloader/build.sh KEY.pub BEARSSL OUT} in /*) out=$3 ;; *) out=$PWD/$3 ;; esac
case $2 in /*) bearssl=$2 ;; *) bearssl=$PWD/$2 ;; esac
case $1 in /*) key=$1 ;; *) key=$PWD/$1 ;; esac
cd "$(dirname "$0")/../.."

command -v arm-none-eabi-gcc >/dev/null || { echo "build.sh: run 'sh tools/deps.sh arm' first" >&2; exit 1; }
rm -rf "$out/objects"
mkdir -p "$out/objects"
sh tools/bootloader/key.sh "$key" >"$out/release_key.h"

warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
target="-mcpu=${CPU:-cortex-m0} -mthumb -Os -ffreestanding -ffunction-sections -fdata-sections"
# Without this gcc makes memcpy() of the loop in memcpy().
target="$target -fno-tree-loop-distribute-patterns"

# compile COMPILER OPTIONS... -- SOURCES...
compile() {
  command=
  while [ "$1" != -- ]; do
    command="$command $1"
    shift
  done
  shift
  for source in "$@"; do
    $command -fstack-usage -c "$source" -o "$out/objects/$(basename "${source%.*}").o"
  done
}

# shellcheck disable=SC2046,SC2086 # Lists of flags and files.
bootloader() {
  # The library, as in any firmware: two folders and one include path.
  compile arm-none-eabi-g++ -std=c++17 $target $warnings -fno-exceptions -fno-rtti -fno-threadsafe-statics \
    -fno-unwind-tables -DLIBDELTA_NO_ZSTD -Ilibdelta/include -I. -- libdelta/wire/*.cc libdelta/device/*.cc
  compile arm-none-eabi-gcc -std=c99 $target $warnings -Ilibdelta/include -I. -isystem "$bearssl/inc" \
    -I"$out" -- libdelta/ports/nrf51.c libdelta/adapters/bearssl.c tools/bootloader/*.c
  # BearSSL: ECDSA P-256 and SHA-256 only. BR_LOMUL: the multiplier gives 32 bits.
  compile arm-none-eabi-gcc -std=c99 $target -DBR_LOMUL=1 -I"$bearssl/inc" -I"$bearssl/src" -- \
    $(sh tools/bearssl.sh --files "$bearssl")
  arm-none-eabi-gcc -mcpu="${CPU:-cortex-m0}" -mthumb -nostdlib -Wl,--gc-sections,--no-undefined \
    -Wl,-Map="$out/bootloader.map" -T libdelta/ports/nrf51_bootloader.ld "$out"/objects/*.o -lgcc \
    -o "$out/bootloader.elf"
  arm-none-eabi-objcopy -O binary "$out/bootloader.elf" "$out/bootloader.bin"
}

# application VERSION
# shellcheck disable=SC2086
application() {
  firmware=tools/demo/firmware
  sources=
  for source in "$firmware"/*.c; do
    # The board has its own.
    [ "$source" = $firmware/startup.c ] || sources="$sources $source"
  done
  arm-none-eabi-gcc -std=c99 $target $warnings -nostdlib -DFIRMWARE_VERSION="$1" \
    -DFIRMWARE_BOARD='"../../bootloader/application/board.h"' -I$firmware \
    -T libdelta/ports/nrf51_application.ld -Wl,--gc-sections $sources \
    tools/bootloader/application/board.c -lgcc -o "$out/application-$1.elf"
  arm-none-eabi-objcopy -O binary "$out/application-$1.elf" "$out/application-$1.bin"
}

bootloader
for version in 1 2 3; do application $version; done
