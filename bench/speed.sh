#!/bin/sh
# How fast this machine creates and applies patches, and with how much memory; the head of bench/speed.cc
# says what is measured.
#
#   sh bench/speed.sh [MACHINE] [--benchmark_filter=REGEX]...
#       Writes bench/results/speed.csv, or with such options build/speed.csv; fails when a bar is missed.
#       MACHINE is the last column (default: cores and architecture).
#
# Run it on an idle machine; it takes about a quarter of an hour. The tests run a short form with wide limits.
set -eu
cd "$(dirname "$0")/.."
sh tools/deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release --target bench_speed >/dev/null
mkdir -p bench/results
machine="$(nproc)-core $(uname -m)"
case ${1:-} in
  '' | --*) ;;
  *)
    machine=$1
    shift ;;
esac
out=bench/results/speed.csv
[ $# -eq 0 ] || out=build/speed.csv
exec build/release/bench/bench_speed --machine "$machine" --out "$out" "$@"
