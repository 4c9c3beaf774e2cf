#!/bin/sh
# Rules that a compiler does not enforce.
#
#   sh tests/lint.sh          checks
#   sh tests/lint.sh --fix    formats the sources first
set -eu
cd "$(dirname "$0")/.."

work=build/lint
mkdir -p $work
bad=0

complain() {
  echo "lint: $1"
  sed 's/^/  /'
  bad=1
}

# Every C and C++ file that is ours; the build folder is not.
find libdelta tools bench fuzz tests -type f \( -name '*.cc' -o -name '*.c' -o -name '*.h' \) |
  sort >$work/sources
find . -path ./build -prune -o -path ./.git -prune -o -type f -print | grep -v '^\./tests/golden/' |
  grep -v '^\./fuzz/corpus/' | sort >$work/files
grep '\.sh$\|^\./\.ci/run$' $work/files >$work/scripts
[ -s $work/sources ] || { echo 'lint: no sources'; exit 1; }

if [ "${1:-}" = --fix ]; then
  xargs -P "$(nproc)" -n 8 clang-format-14 -i <$work/sources
fi

# Format.
xargs -n 8 -P "$(nproc)" clang-format-14 --dry-run --Werror <$work/sources >$work/format 2>&1 ||
  complain 'not formatted; run: sh tests/lint.sh --fix' <$work/format

# ASCII, line length.
if cat $work/sources $work/scripts | LC_ALL=C xargs grep -nP '[^\x00-\x7f]' >$work/out; then
  complain 'not ASCII' <$work/out
fi
if cat $work/sources $work/scripts | LC_ALL=C xargs grep -nE '^.{111,}' >$work/out; then
  complain 'line longer than 110 columns' <$work/out
fi

# Notes to oneself belong in issues. The words are spelled so that this file does not match.
marks='TO''DO|FIX''ME|XX''X|HA''CK|place''holder|for no''w'
if LC_ALL=C xargs grep -nEI "\\b($marks)\\b" <$work/files >$work/out; then
  complain 'unfinished' <$work/out
fi

# Left over from a merge.
if LC_ALL=C xargs grep -nE '^(<<<<<<<|=======|>>>>>>>)( |$)' <$work/files >$work/out; then
  complain 'merge conflict' <$work/out
fi

# What each folder of the library may include of the others.
may_not_include() {
  folder=$1
  pattern=$2
  if grep -rnE "#[[:space:]]*include[[:space:]]*[<\"](\.\./|libdelta/)*($pattern)" "libdelta/$folder" \
    >$work/out; then
    complain "$folder/ must not include this" <$work/out
  fi
}
may_not_include wire 'host[/.]|device/|adapters/|sim/|cost/'
may_not_include device 'host[/.]|adapters/|sim/|cost/'
may_not_include host 'device/|adapters/|sim/|cost/'
may_not_include sim 'wire/|host/|device/|adapters/|cost/'
may_not_include cost 'wire/|host/|device/|adapters/'
may_not_include include 'wire/|host/|device/|adapters/|sim/|cost/'
# Freestanding code has three headers of the standard library.
if grep -nE '#[[:space:]]*include[[:space:]]*<' libdelta/wire/* libdelta/device/* \
  libdelta/include/libdelta/device.h |
  grep -vE '<(stdint|stddef|string)\.h>' >$work/out; then
  complain 'freestanding code may include <stdint.h>, <stddef.h> and <string.h> only' <$work/out
fi

# Each header compiles alone, as each language it is for. Headers with __cplusplus in them are for both.
grep '\.h$' $work/sources >$work/headers
grep '^libdelta/wire/\|^libdelta/device/' $work/headers >$work/headers_freestanding
grep '^tools/demo/' $work/headers >$work/headers_c
grep -v '^libdelta/wire/\|^libdelta/device/\|^tools/demo/' $work/headers >$work/headers_cxx
grep '^libdelta/' $work/headers_cxx | xargs grep -l __cplusplus >>$work/headers_c || true
# headers_alone LIST COMPILER FLAGS...
headers_alone() {
  list=$1
  shift
  xargs -n 1 -P "$(nproc)" "$@" -Ilibdelta/include -I. -Itools '-DLIBDELTA_SOURCE_DIR=""' \
    -Werror -Wall -Wextra -Wpedantic -fsyntax-only <"$list" >$work/out 2>&1 ||
    complain 'a header does not compile alone' <$work/out
}
headers_alone $work/headers_freestanding g++ -std=c++17 -ffreestanding -x c++
headers_alone $work/headers_cxx g++ -std=c++20 -x c++
headers_alone $work/headers_c gcc -std=c99 -x c

# Shell.
xargs shellcheck -s sh -S warning -x <$work/scripts >$work/out 2>&1 || complain 'shellcheck' <$work/out

# clang-tidy on what is delivered, with the compile commands of the release build: everything takes too long.
cmake --preset release >/dev/null
grep '^libdelta/.*\.cc$\|^tools/.*\.cc$' $work/sources >$work/tidy_sources
xargs -n 1 -P "$(nproc)" clang-tidy-14 -p build/release --quiet --warnings-as-errors='*' \
  --extra-arg=-Wno-sign-conversion --extra-arg=-Wno-unknown-warning-option \
  <$work/tidy_sources >$work/tidy 2>/dev/null || complain 'clang-tidy' <$work/tidy

[ $bad -eq 0 ] && echo 'lint: clean'
exit $bad
