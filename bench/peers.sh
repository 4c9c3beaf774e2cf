#!/bin/sh
# What other programs need for a pair of images: runs those on PATH, applies what they made, and compares the
# result byte for byte.
#
#   sh bench/peers.sh OLD NEW [PEER...]     default: all
#   sh bench/peers.sh --list                their names: program and mode, as in bench/results/peers.tsv
#
# Prints a line for each: name, command, "measured", "missing" or "failed", bytes or -, version; between tabs.
# Missing: no such program, or not one that can do this. Failed: it ended with an error, took longer
# than five minutes, or the result is not the new image; what it said is on standard error.
set -eu

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

list=
if [ "${1:-}" = --list ]; then
  list=yes
  wanted=
else
  [ $# -ge 2 ] || usage
  for file in "$1" "$2"; do
    [ -f "$file" ] || { echo "peers.sh: cannot read $file" >&2; exit 1; }
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  cp "$1" "$work/old"
  cp "$2" "$work/new"
  shift 2
  wanted=$*
  cd "$work"
fi

# The version that Debian's package of a program has, if it comes from one.
package_version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo unknown; }
# The first thing like a version number in what a command says.
number_in() { "$@" 2>&1 | grep -Eo '[0-9]+(\.[0-9]+)+' | head -n 1 | grep . || echo unknown; }

# Are these programs there?
has() {
  for program in "$@"; do command -v "$program" >/dev/null 2>&1 || return 1; done
}

# peer NAME NEEDS VERSION MAKE UNDO: MAKE writes `patch` from `old` and `new`, UNDO `result` from `old` and
# `patch`. NEEDS and VERSION are commands, too.
peer() {
  if [ -n "$list" ]; then
    echo "$1"
    return 0
  fi
  case " $wanted " in '  ' | *" $1 "*) ;; *) return 0 ;; esac
  bytes=-
  version=-
  rm -rf patch result log scratch
  if ! $2; then
    state=missing
  else
    version=$($3)
    state=failed
    if ! timeout 300 sh -c "$4" >log 2>&1 || ! timeout 300 sh -c "$5" >>log 2>&1; then
      sed "s/^/$1: /" log >&2
    elif ! cmp -s result new; then
      echo "$1: the result is not the new image" >&2
    else
      state=measured
      bytes=$(wc -c <"patch" | tr -d " ")
    fi
  fi
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$4" "$state" "$bytes" "$version"
}

brotli_with_dictionary() { has brotli && brotli --help 2>&1 | grep -q -- --dictionary; }

peer xz 'has xz' 'number_in xz --version' 'xz -9ec new >patch' 'xz -dc patch >result'
peer zstd:19 'has zstd' 'number_in zstd --version' 'zstd -q19 new -o patch' 'zstd -qd patch -o result'
peer bsdiff:debian 'has bsdiff bspatch' 'package_version bsdiff' \
  'bsdiff old new patch' 'bspatch old result patch'
peer xdelta3:9-lzma 'has xdelta3' 'number_in xdelta3 -V' \
  'xdelta3 -e -9 -S lzma -s old new patch' 'xdelta3 -d -s old patch result'
peer zstd:patch-from-22 'has zstd' 'number_in zstd --version' \
  'zstd -q --ultra -22 --long=27 --patch-from=old new -o patch' \
  'zstd -qd --long=27 --patch-from=old patch -o result'
peer rdiff 'has rdiff' 'number_in rdiff --version' \
  'rdiff signature -b 64 old signature && rdiff delta signature new patch && rm signature' \
  'rdiff patch old patch result'
peer brotli:D-q11 brotli_with_dictionary 'number_in brotli --version' \
  'brotli -q 11 -w 24 -D old -c new >patch' 'brotli -d -w 24 -D old -c patch >result'
peer hdiffz:m1-SD-lzma2 'has hdiffz hpatchz' 'number_in hdiffz -v' \
  'hdiffz -m-1 -SD-256k -c-lzma2-9-4m old new patch' 'hpatchz old patch result'
peer hdiffi:m1-tuz32k 'has hdiffi hpatchi' 'number_in hdiffi -v' \
  'hdiffi -m-1 -c-tuz-32k old new patch' 'hpatchi old patch result'
peer hdiffi:m1-tuz4k 'has hdiffi hpatchi' 'number_in hdiffi -v' \
  'hdiffi -m-1 -c-tuz-4k old new patch' 'hpatchi old patch result'
peer detools:seq-lzma 'has detools' 'number_in detools --version' \
  'detools create_patch -c lzma old new patch' 'detools apply_patch old patch result'
peer detools:seq-lzma-arm-cortex-m4 'has detools' 'number_in detools --version' \
  'detools create_patch -c lzma --data-format arm-cortex-m4 old new patch' \
  'detools apply_patch old patch result'
peer detools:seq-heatshrink 'has detools' 'number_in detools --version' \
  'detools create_patch -c heatshrink old new patch' 'detools apply_patch old patch result'
peer detools:seq-crle 'has detools' 'number_in detools --version' \
  'detools create_patch -c crle old new patch' 'detools apply_patch old patch result'
# Zucchini leaves compression to others.
peer zucchini:gen-xz 'has zucchini xz' 'echo unknown' \
  'zucchini -gen old new plain && xz --format=lzma -9ec plain >patch && rm plain' \
  'xz --format=lzma -dc patch >plain && zucchini -apply old plain result && rm plain'
peer zucchini:gen-brotli 'has zucchini brotli' 'echo unknown' \
  'zucchini -gen old new plain && brotli -q 11 -w 24 -c plain >patch && rm plain' \
  'brotli -d -w 24 -c patch >plain && zucchini -apply old plain result && rm plain'
