#!/bin/sh
# The device's decoder where words have 32 bits and the other order of bytes: built for MIPS, run by
# qemu-user, on payloads that this machine's encoder has made.
#
#   sh tests/foreign_test.sh MAKE_CASES [SCRATCH]
set -eu
case ${1:?} in /*) make_cases=$1 ;; *) make_cases=$PWD/$1 ;; esac
parent=${2:-${TMPDIR:-/tmp}}
cd "$(dirname "$0")/.."
mkdir -p "$parent"
work=$(mktemp -d "$parent/foreign.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$make_cases" "$work/cases"
mips-linux-gnu-g++ -std=c++17 -O1 -static -Wall -Wextra -Werror -Ilibdelta/include -I. \
  -DLIBDELTA_ALLOW_UNSIGNED -o "$work/decode" \
  tests/foreign/decode_cases.cc libdelta/device/*.cc libdelta/wire/*.cc
case $(od -A n -t u1 -j 4 -N 2 "$work/decode" | tr -s ' ') in
  ' 1 2') ;;
  *) echo 'foreign_test.sh: this is no program of 32 bits and big-endian'; exit 1 ;;
esac
qemu-mips "$work/decode" "$work/cases"
