#!/bin/sh
# Compiles the bootloader, and releases of the application, for a board.
#
#   sh tools/bootloader/build.sh KEY.pub CRYPTO OUT [BOARD]
#
# KEY.pub is from `fwdelta keygen`; CRYPTO is where tools/crypto_sources.sh unpacks BearSSL and, for a key of
# Ed25519, TinySSH. OUT gets bootloader.elf and .bin, and application-1 to -3, .elf and .bin. BOARD is
# microbit (the default) or riscv, a folder here. CPU=cortex-m0plus in the environment is for other cores of
# the first.
set -eu
usage='usage: sh tools/bootloader/build.sh KEY.pub CRYPTO OUT [BOARD]'
case ${3:?$usage} in /*) out=$3 ;; *) out=$PWD/$3 ;; esac
case $2 in /*) crypto=$2 ;; *) crypto=$PWD/$2 ;; esac
case $1 in /*) key=$1 ;; *) key=$PWD/$1 ;; esac
board=${4:-microbit}
cd "$(dirname "$0")/../.."

case $board in
  microbit)
    prefix=arm-none-eabi-
    # The multiplier gives 32 bits.
    machine="-mcpu=${CPU:-cortex-m0} -mthumb -DBR_LOMUL=1"
    port=libdelta/ports/nrf51.c
    scripts=libdelta/ports/nrf51 ;;
  riscv)
    prefix=riscv64-unknown-elf-
    # The specs are for <string.h> only. ISA 2.2 has the control registers. Some functions run from RAM, so
    # that is writable and executable.
    machine='-march=rv32imc -mabi=ilp32 -misa-spec=2.2 --specs=picolibc.specs -Wl,--no-warn-rwx-segments'
    port=libdelta/ports/cfi_nor.c
    scripts=libdelta/ports/riscv_virt ;;
  *) echo "build.sh: no board is called $board" >&2; exit 2 ;;
esac
command -v ${prefix}gcc >/dev/null || { echo "build.sh: run 'sh tools/deps.sh arm riscv' first" >&2; exit 1; }
rm -rf "$out/objects"
mkdir -p "$out/objects"
sh tools/bootloader/key.sh "$key" >"$out/release_key.h"
bearssl=$(sh tools/crypto_sources.sh bearssl "$crypto")
# One kind of signature is enough.
if grep -q LIBDELTA_ED25519 "$out/release_key.h"; then
  left_out=-DLIBDELTA_NO_P256
  tinyssh=$(sh tools/crypto_sources.sh tinyssh "$crypto")
else
  left_out=-DLIBDELTA_NO_ED25519
fi
macros="$left_out -DLIBDELTA_NO_TWO_SLOT"

warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
target="$machine -Os -ffreestanding -ffunction-sections -fdata-sections"
# Without this gcc makes memcpy() of the loop in memcpy().
target="$target -fno-tree-loop-distribute-patterns"
folders="-Ilibdelta/include -I. -Itools/bootloader/$board"

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
  compile ${prefix}g++ -std=c++17 $target $warnings -fno-exceptions -fno-rtti -fno-threadsafe-statics \
    -fno-unwind-tables $macros $folders -- libdelta/wire/*.cc libdelta/device/*.cc
  compile ${prefix}gcc -std=c99 $target $warnings $macros $folders -isystem "$bearssl/inc" -I"$out" -- \
    $port libdelta/adapters/bearssl.c tools/bootloader/*.c tools/bootloader/$board/board.c \
    tools/bootloader/$board/startup.c
  compile ${prefix}gcc -std=c99 $target -I"$bearssl/inc" -I"$bearssl/src" -- \
    $(sh tools/crypto_sources.sh --files "$bearssl")
  if [ $left_out = -DLIBDELTA_NO_P256 ]; then
    # What TinySSH's makefile would find out about the compiler: nothing.
    : >"$out/hasasmvolatilememory.h"
    compile ${prefix}gcc -std=c99 $target $folders -I"$tinyssh/crypto" -I"$out" -- \
      $(sh tools/crypto_sources.sh --files "$tinyssh")
    compile ${prefix}gcc -std=c99 $target $warnings $macros $folders -isystem "$tinyssh/crypto" -- \
      libdelta/adapters/tinyssh.c
  fi
  ${prefix}gcc $machine -nostdlib -Wl,--gc-sections,--no-undefined -Wl,-Map="$out/bootloader.map" \
    -T ${scripts}_bootloader.ld "$out"/objects/*.o -lgcc -o "$out/bootloader.elf"
  ${prefix}objcopy -O binary "$out/bootloader.elf" "$out/bootloader.bin"
}

# application VERSION
# shellcheck disable=SC2086
application() {
  firmware=tools/demo/firmware
  sources=tools/bootloader/memory.c
  for source in "$firmware"/*.c; do
    # The board has its own.
    [ "$source" = $firmware/startup.c ] || sources="$sources $source"
  done
  ${prefix}gcc -std=c99 $target $warnings -nostdlib -DFIRMWARE_VERSION="$1" \
    -DFIRMWARE_BOARD='"application.h"' -I$firmware $folders -T ${scripts}_application.ld -Wl,--gc-sections \
    $sources tools/bootloader/$board/application.c -lgcc -o "$out/application-$1.elf"
  ${prefix}objcopy -O binary "$out/application-$1.elf" "$out/application-$1.bin"
}

bootloader
for version in 1 2 3; do application $version; done
