#!/bin/sh
# Patch sizes for all pairs at hand, against the bars.
#
#   sh bench/sizes.sh [CORPUS]        writes bench/results/sizes.csv from CORPUS (default ../shared/corpus),
#                                     prints the summary; fails when a bar is missed
#   sh bench/sizes.sh --generated     writes bench/results/sizes_generated.csv, which the tests compare
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_sizes >/dev/null

mkdir -p bench/results
if [ "${1:-}" = --generated ]; then
  exec build/release/bench/bench_sizes --generated --out bench/results/sizes_generated.csv
fi
corpus=${1:-../shared/corpus}
if [ ! -f "$corpus/peers.tsv" ]; then
  echo "sizes.sh: no corpus at $corpus (a folder with peers.tsv and SET/ID/{old,new}.bin)" >&2
  exit 1
fi
exec build/release/bench/bench_sizes --corpus "$corpus" --out bench/results/sizes.csv \
  --times build/sizes_times.csv
