#!/bin/sh
# How fast this machine creates and applies patches; the head of bench/speed.cc says what is measured.
#
#   sh bench/speed.sh [--benchmark_filter=REGEX ...]     writes bench/results/speed.csv
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_speed >/dev/null
mkdir -p bench/results
exec build/release/bench/bench_speed --benchmark_out=bench/results/speed.csv --benchmark_out_format=csv "$@"
