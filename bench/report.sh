#!/bin/sh
# Measures what every way to ship an update sends, prices it on all profiles, and makes a page of it.
#
#   sh bench/report.sh [OPTION...]      the public pairs of microcontrollers, which it fetches; writes
#                                       build/report/{index.html,report.json,sizes.csv,costs.csv,chart.svg}
#     --small                           generated pairs instead, into build/report-small; under a minute
#     --corpus DIR                      where pairs are kept, or are already (default build/corpus)
#     --board NAME                      whose flash is written (default nrf52840)
#     --out DIR                         where to write
#
# Programs to compare with are those on PATH (bench/peers.sh); for others bench/results/peers.tsv fills in.
# Same inputs and same versions of those programs, same sizes and costs. The page needs no network; making
# it needs npm, for the charts' library.
set -eu
here=$PWD
cd "$(dirname "$0")/.."
. tools/packages.sh

usage() {
  sed -n '2,15s/^# \{0,1\}//p' bench/report.sh >&2
  exit 2
}
die() {
  echo "report.sh: $*" >&2
  exit 1
}
say() { printf '[%4d s] %s\n' "$(($(date +%s) - started))" "$*"; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }

started=$(date +%s)
small=
corpus=build/corpus
out=
board=nrf52840
while [ $# -gt 0 ]; do
  case $1 in
    --small) small=yes ;;
    --corpus | --board | --out)
      [ $# -ge 2 ] || usage
      case $1 in
        --corpus) corpus=$(absolute "$2") ;;
        --board) board=$2 ;;
        --out) out=$(absolute "$2") ;;
      esac
      shift ;;
    *) usage ;;
  esac
  shift
done
[ -n "$out" ] || out=build/report${small:+-small}

sh tools/deps.sh build bench demo report
command -v npm >/dev/null 2>&1 || sh tools/deps.sh npm
say 'building'
log=build/report.log
mkdir -p build "$out"
if ! { cmake --preset release && cmake --build --preset release --target bench_report; } >$log 2>&1; then
  tail -n 40 $log >&2
  die "the build failed; see $log"
fi
bench_report=build/release/bench/bench_report

# What the page is drawn with, both under the ISC licence: a file of each package, and its licence.
libraries=build/libraries
# library NAME PATH PACKAGE VERSION SHA256
library() {
  if ! fetch_package npm - "$3" "$4" "$5" $libraries ||
    ! unpack_file npm "$libraries/$5" "$2" - "$libraries/$1.js" ||
    ! unpack_file npm "$libraries/$5" package/LICENSE - "$libraries/$1.LICENSE"; then
    die "$3 cannot be had, and the page is drawn with it"
  fi
}
library d3 package/dist/d3.min.js d3 7.9.2 \
  f0c1d2c2479907a6e3265370d0fd715f7aef0f561cdd2b415df385ba7df9d1aa
library plot package/dist/plot.umd.min.js @observablehq/plot 0.6.17 \
  4dcc9f7afd10caee8b2283c0075a5765610cfbbf6d7d93cdb153b3b5d3501afc

if [ -n "$small" ]; then
  say 'generating pairs'
  pairs=build/report-pairs
  rm -rf $pairs
  $bench_report pairs --generated --out $pairs
  measured=--generated
else
  say "fetching pairs into $corpus"
  sh bench/corpus.sh fetch --class mcu "$corpus" ||
    echo 'report.sh: going on with the pairs that are there' >&2
  pairs=$corpus/public
  measured="--corpus $corpus --recipe bench/corpus.tsv"
fi
ids=$(cd "$pairs" && for pair in */new.bin; do dirname "$pair"; done)
[ "$ids" != '*' ] || die "no pairs in $pairs"
[ -n "$small" ] || ids=$(sh bench/corpus.sh list --class mcu | cut -f 1 | grep -Fxe "$ids") ||
  die "no pairs of microcontrollers in $pairs"

say 'running other programs, and checking what they make'
peers=build/report-peers
rm -rf $peers
mkdir -p $peers
# shellcheck disable=SC2016 # The inner shell's variables.
echo "$ids" | xargs -P "$(nproc)" -I ID sh -c '
  sh bench/peers.sh "$1/$3/old.bin" "$1/$3/new.bin" >"$2/$3.tsv" && echo "  $3"' - "$pairs" "$peers" ID ||
  die 'some failed'
say "measuring libdelta, and pricing"
# shellcheck disable=SC2086 # Two words.
$bench_report measure $measured --peers $peers --board "$board" --out "$out"
say 'making the page'
$bench_report page --report "$out" --template bench/report --libraries $libraries
say "done: $out/index.html"
