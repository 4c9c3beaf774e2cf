#!/bin/sh
# How fast this machine creates and applies patches; the head of bench/speed.cc says what is measured.
#
#   sh bench/speed.sh [MACHINE]     writes bench/results/speed.csv; fails when a bar is missed.
#                                   MACHINE is its last column (default: cores and architecture)
#
# Run it on an idle machine; it takes about four minutes. The tests run a short form with wide limits.
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_speed >/dev/null
mkdir -p bench/results
exec build/release/bench/bench_speed --machine "${1:-$(nproc)-core $(uname -m)}" --out bench/results/speed.csv
