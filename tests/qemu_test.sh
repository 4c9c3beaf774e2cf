#!/bin/sh
# Runs the bootloader of tools/bootloader on two boards of QEMU, the BBC micro:bit and the RISC-V machine
# virt: updates, refused patches, power cuts.
#
#   sh tests/qemu_test.sh FWDELTA [CUTS [KILLS]]
#
# FWDELTA is the command; power is cut at CUTS places of an update of the first board (default 60), and the
# second is killed KILLS times (default 10). Works in build/qemu. Prints sizes, and "N passed, M failed" at
# the end.
#
# How power is cut, and what that does not show: tests/qemu/board.h and DESIGN.md 16.
set -eu
case ${1:?usage: sh tests/qemu_test.sh FWDELTA [CUTS]} in /*) fwdelta=$1 ;; *) fwdelta=$PWD/$1 ;; esac
cuts=${2:-60}
kills=${3:-10}
cd "$(dirname "$0")/.."
work=build/qemu
mkdir -p $work

for program in qemu-system-arm qemu-system-riscv32 arm-none-eabi-gcc riscv64-unknown-elf-gcc; do
  command -v $program >/dev/null && continue
  echo "qemu_test.sh: no $program: sh tools/deps.sh arm riscv qemu" >&2
  exit 1
done
crypto=build/crypto
rm -f $work/*.fwd $work/*.key $work/*.pub $work/board-*
for name in release foreign; do "$fwdelta" keygen --out $work/$name --algorithm p256 >/dev/null; done
# The other board has the other kind of key.
mkdir -p $work/riscv
rm -f $work/riscv/*.fwd $work/riscv/*.key $work/riscv/*.pub $work/riscv/board-*
for name in release foreign; do "$fwdelta" keygen --out $work/riscv/$name >/dev/null; done
sh tools/bootloader/build.sh $work/release.pub $crypto $work
sh tools/bootloader/build.sh $work/riscv/release.pub $crypto $work/riscv riscv
for board in microbit riscv; do
  g++ -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror -I. tests/qemu/board.cc \
    tests/qemu/$board.cc -pthread -o $work/test_$board
done

cd $work
board=../../tools/bootloader/microbit/microbit.json
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

# The same for the other board.
riscv="--in-place --device ../../tools/bootloader/riscv/riscv_virt.json --hardware riscv-virt"
# shellcheck disable=SC2086 # A list of options.
for change in '1 2' '2 3'; do
  "$fwdelta" create "riscv/application-${change% *}.bin" "riscv/application-${change#* }.bin" $riscv \
    --counter "${change#* }" --key riscv/release.key --out "riscv/${change% *}-${change#* }.fwd" >/dev/null
done
# shellcheck disable=SC2086
"$fwdelta" create riscv/application-2.bin riscv/application-3.bin $riscv --counter 3 \
  --key riscv/foreign.key --out riscv/foreign.fwd >/dev/null

symbol() { arm-none-eabi-nm bootloader.elf | awk -v name="$1" '$3 == name { print "0x" $1 }'; }
# size_of TITLE SIZE ELF
size_of() {
  "$2" "$3" | awk -v title="$1" '
    NR == 2 { print title ": " $1 + $2 " bytes of flash, " $2 + $3 " of RAM, stack included" }'
}
size_of bootloader arm-none-eabi-size bootloader.elf
size_of 'bootloader, RISC-V' riscv64-unknown-elf-size riscv/bootloader.elf
echo "patch 1 -> 2: $(wc -c <1-2.fwd) bytes for $(wc -c <application-2.bin)"
result=0
./test_microbit "$fwdelta" "$PWD" "$(symbol operate)" "$(symbol board_boot)" "$(symbol stack_bottom)" \
  "$(symbol stack_top)" "$cuts" >microbit.log || result=1
sed '$d' microbit.log
./test_riscv "$fwdelta" "$PWD/riscv" "$kills" >riscv.log || result=1
sed '$d' riscv.log
# Both end with "N passed, M failed".
tail -q -n 1 microbit.log riscv.log |
  awk '/ passed, / { p += $1; f += $3; n++ } END { if (n != 2) f++; print p + 0 " passed, " f + 0 " failed" }'
exit $result
