#!/bin/sh
# What updates in place cost, by geometry; the head of bench/in_place.cc says what is measured.
#
#   sh bench/in_place.sh [CORPUS]       writes bench/results/inplace.csv from CORPUS (default
#                                       ../shared/corpus): 8K RAM and 4 KiB pages, then other RAM and page
#                                       sizes with 3 spare pages
#   sh bench/in_place.sh --generated    generated images, which the tests compare
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_in_place >/dev/null

bin=build/release/bench/bench_in_place
results=bench/results
mkdir -p $results
if [ "${1:-}" = --generated ]; then
  exec $bin --generated --spares 2,5 --out $results/inplace_generated.csv
fi
corpus=${1:-../shared/corpus}
if [ ! -f "$corpus/peers.tsv" ]; then
  echo "in_place.sh: no corpus at $corpus (a folder with peers.tsv and SET/ID/{old,new}.bin)" >&2
  exit 1
fi
$bin --corpus "$corpus" --out $results/inplace.csv
$bin --corpus "$corpus" --ram 4K,8K,64K --pages 2K,8K --spares 3 --out build/inplace_more.csv
tail -n +2 build/inplace_more.csv >>$results/inplace.csv
