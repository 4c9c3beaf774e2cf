#!/bin/sh
# How long creating takes, for the real pairs at hand: seconds of wall time with all cores, default effort.
#
#   sh bench/create_time.sh [CORPUS]    writes bench/results/create_time.csv from CORPUS
#                                       (default ../shared/corpus)
#
# Pairs of up to 4 MiB; microcontrollers at --ram 64K, others at 1M. Beside it hdiffz -m-1 with LZMA2, if that
# is installed. Times are those of one machine, so no test compares them.
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target fwdelta >/dev/null

corpus=${1:-../shared/corpus}
[ -f "$corpus/peers.tsv" ] || { echo "create_time.sh: no corpus at $corpus" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
largest=$((4 << 20))
out=bench/results/create_time.csv

seconds() { # COMMAND...: its wall time
  start=$(date +%s%N)
  "$@" >/dev/null 2>&1 || { echo "create_time.sh: failed: $*" >&2; exit 1; }
  end=$(date +%s%N)
  echo $(((end - start) / 1000000)) | sed 's/\(.*\)/000\1/; s/0*\([0-9][0-9]*\)\(...\)$/\1.\2/'
}

echo 'set,id,ram,new,create_seconds,hdiffz_seconds' >"$out"
tail -n +2 "$corpus/peers.tsv" | cut -f 1-3 | while read -r set id class; do
  old=$corpus/$set/$id/old.bin
  new=$corpus/$set/$id/new.bin
  [ -f "$old" ] || continue
  size=$(wc -c <"$new")
  [ "$size" -le $largest ] || continue
  ram=1M
  if [ "$class" = mcu ]; then ram=64K; fi
  rm -f "$work"/*
  ours=$(seconds build/release/tools/fwdelta create "$old" "$new" --unsigned --ram $ram \
    --out "$work/patch.fwd")
  theirs=
  if command -v hdiffz >/dev/null; then
    theirs=$(seconds hdiffz -m-1 -SD-256k -c-lzma2-9-4m "$old" "$new" "$work/patch.hdiff")
  fi
  echo "$set,$id,$ram,$size,$ours,$theirs"
done >>"$out"

awk -F, 'NR > 1 { bytes += $4; ours += $5; theirs += $6 }
  END {
    printf "%d pairs, %.1f MB: %.2f s per MB", NR - 1, bytes / 1e6, ours / bytes * 1e6
    if (theirs) printf "; hdiffz %.2f s per MB, ratio %.1f", theirs / bytes * 1e6, ours / theirs
    print ""
  }' "$out"
