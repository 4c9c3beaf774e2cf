#!/bin/sh
# Patch sizes against the RAM of the device, for all pairs of microcontrollers and embedded Linux at hand.
#
#   sh bench/ram.sh [CORPUS]    writes bench/results/ram.csv and the chart bench/results/ram.svg from CORPUS
#                               (default ../shared/corpus), prints the means
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_ram >/dev/null

corpus=${1:-../shared/corpus}
if [ ! -f "$corpus/peers.tsv" ]; then
  echo "ram.sh: no corpus at $corpus (a folder with peers.tsv and SET/ID/{old,new}.bin)" >&2
  exit 1
fi
mkdir -p bench/results
exec build/release/bench/bench_ram --corpus "$corpus" --out bench/results/ram.csv \
  --chart bench/results/ram.svg
