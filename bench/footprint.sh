#!/bin/sh
# What the device library costs on Cortex-M and RISC-V: flash, fixed state, stack. Writes
# bench/results/footprint.csv; with --check compares with it instead. In either case, rows with a limit must
# keep it.
#
#   sh bench/footprint.sh [--check]
#
# Columns:
#   config    two-slot: patches pushed and stored; two-slot-pushed, two-slot-stored: one of both.
#             in-place ...: likewise, with updates in place and libdelta_recover().
#             in-place-only: without updates to a second slot (libdelta/config.h).
#             smallest: that one, pushed, without templates, Ed25519 and whole images.
#             All these without the hook for the zstd codec, and without crypto primitives.
#             p256-bearssl, ed25519-tinyssh: a signature check of libdelta/adapters, and SHA-256 by BearSSL,
#             with the compiler's library; `stack` is that of the check.
#             bootloader: all of tools/bootloader for the micro:bit, with the former. Its `state` is all of
#             its RAM, of which the part reserved for the stack is `stack`.
#   library   .text + .rodata + .data that the linker keeps of wire/ and device/
#   libgcc    what that pulls in of the compiler's library (division, 64-bit multiplication ...)
#   flash     library + libgcc. Memory functions (memcpy ...) are the firmware's own: not counted.
#   state     bytes of an update's fixed state, at the start of the caller's buffer
#   stack     deepest sum of frames along the call graph; the caller's callbacks come on top
# Also refused: undefined symbols beyond memory functions and the compiler's helpers (so no heap and no
# exceptions), floating point, mutable static data, constructors, a frame above 512 bytes, recursion.
set -eu
cd "$(dirname "$0")/.."

results=bench/results/footprint.csv
mode=${1:-}
work=build/footprint
for prefix in riscv64-unknown-elf- arm-none-eabi-; do
  command -v ${prefix}g++ >/dev/null && continue
  echo "footprint.sh: run 'sh tools/deps.sh arm riscv' first" >&2
  exit 1
done

fail() {
  echo "footprint.sh: $*" >&2
  exit 1
}

warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
flags="-Os -ffreestanding -ffunction-sections -fdata-sections -Ilibdelta/include -I.
  -DLIBDELTA_NO_ZSTD $warnings"
cxx_flags="-std=c++17 $flags -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-unwind-tables
  -Wstack-usage=512 -fstack-usage -fcallgraph-info=su"

# Prints the bytes of the named sections of an ELF file.
section_bytes() {
  file=$1
  shift
  ${prefix}size -A "$file" | awk -v names="$*" '
    BEGIN { n = split(names, list, " ") }
    { for (i = 1; i <= n; i++) if ($1 == list[i] || index($1, list[i] ".") == 1) sum += $2 }
    END { print sum + 0 }'
}

# measure CPU LIBRARY: the rows of one compiled library, two-slot, in-place, in-place-only or smallest.
# shellcheck disable=SC2086 # The variables hold lists of flags.
measure() {
  cpu=$1
  library=$2
  dir=$work/$cpu-$library
  case $cpu in
    # The specs are for <string.h> only.
    rv32*)
      prefix=riscv64-unknown-elf-
      machine="-march=$cpu -mabi=ilp32 -msave-restore --specs=picolibc.specs" ;;
    *)
      prefix=arm-none-eabi-
      machine="-mthumb -mcpu=$cpu" ;;
  esac
  configs="$library $library-pushed $library-stored"
  case $library in
    two-slot)
      library_flags=-DLIBDELTA_NO_IN_PLACE
      library_entries=libdelta_init
      callbacks= ;;
    in-place)
      library_flags=
      library_entries='libdelta_init libdelta_recover'
      # What the library itself calls through pointers: the slot as images.
      callbacks='ReadOldSlot ReadNewSlot WriteNewSlot' ;;
    in-place-only)
      library_flags=-DLIBDELTA_NO_TWO_SLOT
      library_entries='libdelta_init libdelta_recover'
      callbacks=
      configs=in-place-only ;;
    smallest)
      library_flags='-DLIBDELTA_NO_TWO_SLOT -DLIBDELTA_NO_TEMPLATES -DLIBDELTA_NO_ED25519
        -DLIBDELTA_NO_FULL_IMAGE'
      library_entries='libdelta_init libdelta_recover'
      callbacks=
      configs=smallest ;;
  esac
  rm -rf "$dir"
  mkdir -p "$dir"
  for source in libdelta/wire/*.cc libdelta/device/*.cc; do
    object=$dir/$(basename "$(dirname "$source")")_$(basename "$source" .cc).o
    ${prefix}g++ $cxx_flags $library_flags $machine -c "$source" -o "$object"
  done

  undefined=$(${prefix}nm -u "$dir"/*.o | awk '$1 == "U" { print $2 }' | sort -u)
  defined=$(${prefix}nm -g --defined-only "$dir"/*.o | awk 'NF == 3 { print $3 }' | sort -u)
  for symbol in $undefined; do
    case $symbol in
      __aeabi_f* | __aeabi_d* | __aeabi_*2f | __aeabi_*2d) fail "$cpu: floating point: '$symbol'" ;;
      memcpy | memmove | memset | memcmp | __aeabi_* | __gnu_thumb* | __riscv_*) continue ;;
    esac
    echo "$defined" | grep -qx -- "$symbol" || fail "$cpu: the device library must not need '$symbol'"
  done
  for object in "$dir"/*.o; do
    [ "$(section_bytes "$object" .data .bss .sdata .sbss .init_array .fini_array .ctors)" -eq 0 ] ||
      fail "$cpu: $(basename "$object") has mutable static data or constructors"
  done

  ${prefix}g++ -std=c++17 $flags $library_flags $machine -c bench/footprint/state.cc \
    -o "$dir/state_size.obj"
  state=$(section_bytes "$dir/state_size.obj" .rodata)

  for config in $configs; do
    case $config in
      smallest | *-pushed)
        stub_flags='-DPUSHED'
        entries='libdelta_push libdelta_finish' ;;
      *-stored)
        stub_flags='-DSTORED'
        entries='libdelta_apply_stored' ;;
      *)
        stub_flags='-DPUSHED -DSTORED'
        entries='libdelta_push libdelta_finish libdelta_apply_stored' ;;
    esac
    stub=$dir/$config.stub
    ${prefix}gcc -std=c99 $machine -Os -ffreestanding -fno-tree-loop-distribute-patterns $warnings \
      -Ilibdelta/include -I. $library_flags $stub_flags -c bench/footprint/stub.c -o "$stub"
    ${prefix}objcopy --rename-section .text=.stub --rename-section .rodata=.stub_rodata "$stub"
    ${prefix}gcc $machine -nostdlib -Wl,--no-undefined,--gc-sections,-e,stub_main \
      -Wl,-Map="$dir/$config.map" -Wl,--defsym=config=0x20000000,--defsym=ram=0x20001000 \
      -Wl,--defsym=radio=0x20000800 -x none "$stub" "$dir"/*.o -lgcc -o "$dir/$config.elf"
    flash=$(section_bytes "$dir/$config.elf" .text .rodata .srodata .data)
    # Sections of libgcc in the map: " .text 0x... 0x<size> .../libgcc.a(_divsi3.o)".
    libgcc=$(awk '
      /^Linker script and memory map/ { mapped = 1 }
      mapped && /libgcc\.a\(/ && $1 ~ /^\.(text|rodata|data)/ { print $3 }' "$dir/$config.map" |
      while read -r size; do echo $((size)); done | awk '{ sum += $1 } END { print sum + 0 }')
    stack=$(awk -v entries="$library_entries $entries" -v callbacks="$callbacks" -v external=32 \
      -f bench/footprint/stack.awk "$dir"/*.ci)
    echo "$config,$cpu,$((flash - libgcc)),$libgcc,$flash,$state,$stack,$version"
  done
}

# signature CONFIG PACKAGE CALLBACKS FLAGS: the row of an adapter's signature check and SHA-256. CALLBACKS are
# what is called through pointers.
# shellcheck disable=SC2046,SC2086 # Lists of flags and files.
signature() {
  dir=$work/$1
  rm -rf "$dir"
  mkdir -p "$dir"
  # TinySSH's makefile would find out about the compiler; nothing is right.
  : >"$dir/hasasmvolatilememory.h"
  compile="arm-none-eabi-gcc -std=c99 -mthumb -mcpu=cortex-m0plus -Os -ffreestanding -ffunction-sections
    -fdata-sections -fno-tree-loop-distribute-patterns -DBR_LOMUL=1 $4 -Ilibdelta/include -I. -I$dir"
  for package in bearssl "$2"; do
    sources=$(sh tools/crypto_sources.sh "$package" build/crypto)
    compile="$compile -isystem $sources/inc -isystem $sources/src -isystem $sources/crypto"
    for source in $(sh tools/crypto_sources.sh --files "$sources") libdelta/adapters/"$package".c; do
      $compile -fcallgraph-info=su -c "$source" -o "$dir/$package-$(basename "${source%.*}").o"
    done
  done
  $compile "-DVERIFY=libdelta_$2_verify" -c bench/footprint/signature.c -o "$dir/stub.obj"
  arm-none-eabi-objcopy --rename-section .text=.stub "$dir/stub.obj"
  for section in stub_main memcpy memmove memset memcmp; do
    arm-none-eabi-objcopy --rename-section .text.$section=.stub.$section "$dir/stub.obj"
  done
  arm-none-eabi-gcc -mthumb -mcpu=cortex-m0plus -nostdlib -Wl,--no-undefined,--gc-sections,-e,stub_main \
    -Wl,--defsym=config=0x20000000,--defsym=ram=0x20001000,--defsym=radio=0x20000800 \
    -x none "$dir/stub.obj" "$dir"/*.o -lgcc -o "$dir/stub.elf"
  flash=$(section_bytes "$dir/stub.elf" .text .rodata .data)
  stack=$(awk -v entries="libdelta_$2_verify" -v callbacks="$3" -v external=32 -f bench/footprint/stack.awk \
    "$dir"/*.ci)
  echo "$1,cortex-m0plus,,,$flash,,$stack,$version"
}

# bootloader: the row of the whole bootloader. Its size does not depend on the key.
bootloader() {
  echo "libdelta-pub p256 $(printf '%0128d' 0)" >$work/any.pub
  sh tools/bootloader/build.sh $work/any.pub build/crypto $work/bootloader
  arm-none-eabi-size $work/bootloader/bootloader.elf | awk -v version="$version" \
    -v stack="$(sed -n 's/^stack_size = .* \([0-9]*\);$/\1/p' libdelta/ports/nrf51_bootloader.ld)" '
    NR == 2 { printf "bootloader,cortex-m0,,,%d,%d,%d,%s\n", $1 + $2, $2 + $3, stack, version }'
}

version=$(arm-none-eabi-g++ -dumpfullversion)
mkdir -p $work bench/results
new=$work/footprint.csv
echo 'config,cpu,library,libgcc,flash,state,stack,gcc' >$new
for library in two-slot in-place in-place-only smallest; do
  for cpu in cortex-m0plus cortex-m4 rv32imc; do
    # Not in a pipeline: a failure inside must end the script.
    measure "$cpu" "$library" >$work/rows
    cat $work/rows >>$new
  done
done

signature p256-bearssl bearssl 'api_mul api_muladd' -DLIBDELTA_NO_ED25519 >>$new
signature ed25519-tinyssh tinyssh '' -DLIBDELTA_NO_P256 >>$new
bootloader >>$new

# Flash, state and stack that these rows may have at most.
awk -F, '
  BEGIN {
    limit["two-slot,cortex-m0plus"] = "6144 512 512"
    limit["bootloader,cortex-m0"] = "24576 10240 10240"
  }
  $1 "," $2 in limit {
    split(limit[$1 "," $2], most, " ")
    delete limit[$1 "," $2]
    for (i = 1; i <= 3; i++) {
      if ($(i + 4) <= most[i]) continue
      printf "footprint.sh: %s on %s: %d bytes, the limit is %d\n", $1, $2, $(i + 4), most[i]
      bad = 1
    }
  }
  END {
    for (row in limit) { print "footprint.sh: there is no row " row; bad = 1 }
    exit bad
  }' $new

if [ "$mode" != --check ]; then
  cp $new $results
  column -s, -t <$results 2>/dev/null || cat $results
  exit 0
fi
[ -f $results ] || fail "$results is missing: run 'sh bench/footprint.sh' and commit it"
# Another compiler version may differ a little; the committed one must not.
awk -F, '
  FNR == 1 { next }
  NR == FNR { row[$1 "," $2] = $0; next }
  {
    key = $1 "," $2
    if (!(key in row)) { print "footprint.sh: new row " key; bad = 1; next }
    split(row[key], old, ",")
    delete row[key]
    same = old[8] == $8
    for (i = 5; i <= 7; i++) {
      limit = same ? old[i] : old[i] * 1.03
      if ($i > limit || (same && $i != old[i])) {
        split("config cpu library libgcc flash state stack", name, " ")
        printf "footprint.sh: %s: %s is %d, committed %d", key, name[i], $i, old[i]
        printf " (gcc %s, committed with %s)\n", $8, old[8]
        bad = 1
      }
    }
  }
  END {
    for (key in row) { print "footprint.sh: row " key " is gone"; bad = 1 }
    if (bad) print "footprint.sh: if that is meant, run sh bench/footprint.sh and commit its CSV"
    exit bad
  }' $results $new
echo "footprint as committed"
