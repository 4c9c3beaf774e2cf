#!/bin/sh
# Runs the bootloader of tools/bootloader on the BBC micro:bit of QEMU: updates, refused patches, power cuts.
#
#   sh tests/qemu_test.sh FWDELTA [CUTS]
#
# FWDELTA is the command; power is cut at CUTS places (default 60). Works in build/qemu. Prints sizes, and
# "N passed, M failed" at the end.
#
# How power is cut, and what that does not show: tests/qemu/board.h and DESIGN.md 16.
set -eu
case ${1:?usage: sh tests/qemu_test.sh FWDELTA [CUTS]} in /*) fwdelta=$1 ;; *) fwdelta=$PWD/$1 ;; esac
cuts=${2:-60}
cd "$(dirname "$0")/.."
work=build/qemu
mkdir -p $work

for program in qemu-system-arm arm-none-eabi-gcc; do
  command -v $program >/dev/null && continue
  echo "qemu_test.sh: no $program: sh tools/deps.sh arm qemu" >&2
  exit 1
done
bearssl=$(sh tools/bearssl.sh $work/bearssl)
rm -f $work/*.fwd $work/*.key $work/*.pub $work/board-*
for name in release foreign; do "$fwdelta" keygen --out $work/$name --algorithm p256 >/dev/null; done
sh tools/bootloader/build.sh $work/release.pub "$bearssl" $work
g++ -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror -I. tests/qemu/*.cc -pthread \
  -o $work/qemu_test

cd $work
board=../../tools/bootloader/microbit.json
# create OUT OLD NEW OPTIONS...: a patch signed for this board.
create() {
  out=$1
  old=application-$2.bin
  new=application-$3.bin
  shift 3
  "$fwdelta" create "$old" "$new" --key release.key --hardware microbit --out "$out" "$@" >/dev/null
}
create 1-2.fwd 1 2 --in-place --device $board --counter 2
create 2-3.fwd 2 3 --in-place --device $board --counter 3
create downgrade.fwd 2 1 --in-place --device $board --counter 1
create other-geometry.fwd 1 2 --in-place --device nrf51822 --counter 2
create two-slot.fwd 1 2 --ram 4K --counter 2
for foreign in 'key --key foreign.key --hardware microbit' 'hardware --key release.key --hardware toaster'; do
  # shellcheck disable=SC2086 # A name and options.
  set -- $foreign
  name=$1
  shift
  "$fwdelta" create application-1.bin application-2.bin --in-place --device $board --counter 2 "$@" \
    --out "foreign-$name.fwd" >/dev/null
done
"$fwdelta" create application-3.bin --full --in-place --device $board --key release.key --hardware microbit \
  --counter 3 --out rescue.fwd >/dev/null

# tamper NAME OFFSET: one bit of that byte of 1-2.fwd is another one.
tamper() {
  cp 1-2.fwd "tampered-$1.fwd"
  byte=$(od -A n -t u1 -j "$2" -N 1 1-2.fwd | tr -d ' ')
  # shellcheck disable=SC2059 # The format is the byte.
  printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="tampered-$1.fwd" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
header=$("$fwdelta" info 1-2.fwd --json | sed -n 's/.*"header_length": \([0-9]*\).*/\1/p')
tamper header 60
tamper signature $((header - 10))
tamper start $((header + 30))

symbol() { arm-none-eabi-nm bootloader.elf | awk -v name="$1" '$3 == name { print "0x" $1 }'; }
arm-none-eabi-size bootloader.elf |
  awk 'NR == 2 { print "bootloader: " $1 + $2 " bytes of flash, " $2 + $3 " of RAM, stack included" }'
echo "patch 1 -> 2: $(wc -c <1-2.fwd) bytes for $(wc -c <application-2.bin)"
./qemu_test "$fwdelta" "$PWD" "$(symbol operate)" "$(symbol startup_boot)" "$(symbol stack_bottom)" \
  "$(symbol stack_top)" "$cuts"
