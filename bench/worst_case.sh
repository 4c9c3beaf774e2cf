#!/bin/sh
# Work of the device's decoder, in instructions per byte of the new image, for the most hostile payload there
# is: all templates match everywhere, each prediction takes the longest search, and none comes true. Beside
# it: literals.
# Counted by callgrind for this machine's processor, which does not depend on its speed.
#
#   sh bench/worst_case.sh                       writes bench/results/worst_case.csv
#   sh bench/worst_case.sh --check MAKE_CASES    writes nothing; fails where a number is above `limit`.
#                                                MAKE_CASES: the program of tests/foreign/make_cases.cc
set -eu
check=
if [ "${1:-}" = --check ]; then
  check=yes
  case ${2:?} in /*) make_cases=$2 ;; *) make_cases=$PWD/$2 ;; esac
fi
cd "$(dirname "$0")/.."
if [ -z "$check" ]; then
  sh tools/deps.sh build test
  cmake --preset release >/dev/null
  cmake --build --preset release --target make_foreign_cases >/dev/null
  make_cases=build/release/tests/make_foreign_cases
fi
limit=80000
work=build/worst_case
mkdir -p $work bench/results

# -Os and 32-bit offsets, as on devices.
g++ -std=c++17 -Os -Ilibdelta/include -I. -DLIBDELTA_ALLOW_UNSIGNED -o $work/decode \
  tests/foreign/decode_cases.cc libdelta/device/*.cc libdelta/wire/*.cc
results=$work/worst_case.csv
echo 'payload,new_bytes,instructions,per_byte,limit' >$results
for payload in no-work hostile; do
  "$make_cases" --$payload $work/cases
  valgrind --tool=callgrind --toggle-collect='libdelta::DecoderRun*' \
    --callgrind-out-file=$work/callgrind.out \
    $work/decode $work/cases >$work/log 2>&1 || { cat $work/log >&2; exit 1; }
  instructions=$(sed -n 's/^summary: \([0-9]*\).*/\1/p' $work/callgrind.out)
  bytes=$(od -A n -t u4 -j 12 -N 4 $work/cases | tr -d ' ')
  echo "$payload,$bytes,$instructions,$((instructions / bytes)),$limit" >>$results
done
cat $results
awk -F, 'NR > 1 && $4 > $5 { bad = 1 } END { exit bad }' $results || {
  echo 'worst_case.sh: above the limit' >&2
  exit 1
}
[ -n "$check" ] || cp $results bench/results/worst_case.csv
