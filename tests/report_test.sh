#!/bin/sh
# Makes the small report twice, compares, and opens its page in a browser. Installs what is missing: Chromium
# from Debian; playwright-core, axe-core and the charts' library from npm.
#
#   sh tests/report_test.sh [SHOTS]     screenshots go to SHOTS
#
# Prints every check that fails and "N passed, M failed"; returns 1 if any failed.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh

sh tools/deps.sh browser
command -v npm >/dev/null 2>&1 || sh tools/deps.sh npm
# module NAME VERSION SHA256
modules=build/libraries/node_modules
module() {
  fetch_package npm - "$1" "$2" "$3" build/libraries
  rm -rf "${modules:?}/$1"
  mkdir -p "$modules/$1"
  tar -xzf "build/libraries/$3" -C "$modules/$1" --strip-components 1
}
module playwright-core 1.65.1 6f5a60be62a4fddfbe7d10c448d8fbd54547da3358f2f8a04211440471ee863e
module axe-core 4.14.1 e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

passed=0
failed=0
check() {
  description=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $description"
  fi
}

sh bench/report.sh --small --out build/report-small
sh bench/report.sh --small --out build/report-again
for file in sizes.csv costs.csv report.json index.html; do
  check "$file is the same again" cmp "build/report-small/$file" "build/report-again/$file"
done
check 'other programs were measured' grep -q ',bsdiff:debian,measured,' build/report-small/sizes.csv
check 'missing ones are missing' grep -q ',hdiffi-inplace:x4k-tuz4k,missing,,' build/report-small/sizes.csv
rm -rf build/report-bad
check 'a board that is not there is an error' \
  sh -c '! sh bench/report.sh --small --board toaster --out build/report-bad' >build/toaster.log 2>&1
check 'and it says so' grep -q toaster build/toaster.log
check 'and there is no page' test ! -e build/report-bad/index.html

node tests/report_page.mjs build/report-small $modules "$(command -v chromium)" "$@" >build/report_page.log ||
  true
cat build/report_page.log
result=$(tail -n 1 build/report_page.log)
page_passed=$(echo "$result" | sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p')
page_failed=$(echo "$result" | sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p')
passed=$((passed + ${page_passed:-0}))
failed=$((failed + ${page_failed:-1}))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
