#!/bin/sh
# Patch sizes for all pairs at hand, against the bars.
#
#   sh bench/sizes.sh [CORPUS]          writes bench/results/sizes.csv from CORPUS (default ../shared/corpus),
#                                       prints the summary; fails when a bar is missed
#   sh bench/sizes.sh --full [CORPUS]   whole images against zstd -19: bench/results/full_images.csv
#   sh bench/sizes.sh --generated       both for generated images, bench/results/*_generated.csv, which
#                                       the tests compare
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_sizes --target bench_full_images >/dev/null

bin=build/release/bench
results=bench/results
mkdir -p $results
if [ "${1:-}" = --generated ]; then
  $bin/bench_sizes --generated --out $results/sizes_generated.csv
  exec $bin/bench_full_images --generated --out $results/full_images_generated.csv
fi
full=
if [ "${1:-}" = --full ]; then
  full=yes
  shift
fi
corpus=${1:-../shared/corpus}
if [ ! -f "$corpus/peers.tsv" ]; then
  echo "sizes.sh: no corpus at $corpus (a folder with peers.tsv and SET/ID/{old,new}.bin)" >&2
  exit 1
fi
if [ -n "$full" ]; then
  exec $bin/bench_full_images --corpus "$corpus" --out $results/full_images.csv
fi
exec $bin/bench_sizes --corpus "$corpus" --efforts 1,5,9 --out $results/sizes.csv \
  --times build/sizes_times.csv
