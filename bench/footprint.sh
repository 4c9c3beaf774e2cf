#!/bin/sh
# What the device library costs on Cortex-M: flash, fixed state, stack. Writes
# bench/results/footprint.csv; with --check compares with it instead.
#
#   sh bench/footprint.sh [--check]
#
# Columns:
#   config    two-slot: patches pushed and stored; two-slot-pushed, two-slot-stored: one of both.
#             in-place ...: likewise, with updates in place and libdelta_recover().
#             All without the hook for the zstd codec, and without crypto primitives.
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
prefix=arm-none-eabi-
command -v ${prefix}g++ >/dev/null || { echo "footprint.sh: run 'sh tools/deps.sh arm' first" >&2; exit 1; }

fail() {
  echo "footprint.sh: $*" >&2
  exit 1
}

warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
flags="-mthumb -Os -ffreestanding -ffunction-sections -fdata-sections -Ilibdelta/include -I.
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

# measure CPU LIBRARY: the rows of one compiled library, two-slot or in-place.
# shellcheck disable=SC2086 # The variables hold lists of flags.
measure() {
  cpu=$1
  library=$2
  dir=$work/$cpu-$library
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
  esac
  rm -rf "$dir"
  mkdir -p "$dir"
  for source in libdelta/wire/*.cc libdelta/device/*.cc; do
    object=$dir/$(basename "$(dirname "$source")")_$(basename "$source" .cc).o
    ${prefix}g++ $cxx_flags $library_flags -mcpu="$cpu" -c "$source" -o "$object"
  done

  undefined=$(${prefix}nm -u "$dir"/*.o | awk '$1 == "U" { print $2 }' | sort -u)
  defined=$(${prefix}nm -g --defined-only "$dir"/*.o | awk 'NF == 3 { print $3 }' | sort -u)
  for symbol in $undefined; do
    case $symbol in
      __aeabi_f* | __aeabi_d* | __aeabi_*2f | __aeabi_*2d) fail "$cpu: floating point: '$symbol'" ;;
      memcpy | memmove | memset | memcmp | __aeabi_* | __gnu_thumb*) continue ;;
    esac
    echo "$defined" | grep -qx -- "$symbol" || fail "$cpu: the device library must not need '$symbol'"
  done
  for object in "$dir"/*.o; do
    [ "$(section_bytes "$object" .data .bss .init_array .fini_array .ctors)" -eq 0 ] ||
      fail "$cpu: $(basename "$object") has mutable static data or constructors"
  done

  ${prefix}g++ -std=c++17 $flags $library_flags -mcpu="$cpu" -c bench/footprint/state.cc \
    -o "$dir/state_size.obj"
  state=$(section_bytes "$dir/state_size.obj" .rodata)

  for config in $library $library-pushed $library-stored; do
    case $config in
      *-pushed)
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
    ${prefix}gcc -std=c99 -mthumb -Os -ffreestanding -fno-tree-loop-distribute-patterns $warnings \
      -Ilibdelta/include -I. -mcpu="$cpu" $library_flags $stub_flags -c bench/footprint/stub.c -o "$stub"
    ${prefix}objcopy --rename-section .text=.stub --rename-section .rodata=.stub_rodata "$stub"
    ${prefix}gcc -mthumb -mcpu="$cpu" -nostdlib -Wl,--no-undefined,--gc-sections,-e,stub_main \
      -Wl,-Map="$dir/$config.map" -Wl,--defsym=config=0x20000000,--defsym=ram=0x20001000 \
      -Wl,--defsym=radio=0x20000800 -x none "$stub" "$dir"/*.o -lgcc -o "$dir/$config.elf"
    flash=$(section_bytes "$dir/$config.elf" .text .rodata .data)
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

version=$(${prefix}g++ -dumpfullversion)
mkdir -p $work bench/results
new=$work/footprint.csv
echo 'config,cpu,library,libgcc,flash,state,stack,gcc' >$new
for library in two-slot in-place; do
  for cpu in cortex-m0plus cortex-m4; do
    # Not in a pipeline: a failure inside must end the script.
    measure "$cpu" "$library" >$work/rows
    cat $work/rows >>$new
  done
done

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
