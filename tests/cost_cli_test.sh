#!/bin/sh
# Tests of `fwdelta cost` and `fwdelta label` as their users see them.
#
#   sh tests/cost_cli_test.sh FWDELTA JSON_CHECK [SCRATCH]
#
# FWDELTA is the command, JSON_CHECK the program of tests/json_check.cc; files go to a new directory in
# SCRATCH, which
# is removed at the end. Prints every check that fails and "N passed, M failed"; returns 1 if any failed.
set -u

case ${1:?} in /*) fwdelta=$1 ;; *) fwdelta=$PWD/$1 ;; esac
case ${2:?} in /*) json_check=$2 ;; *) json_check=$PWD/$2 ;; esac
for program in "$fwdelta" "$json_check"; do
  [ -x "$program" ] || { echo "cost_cli_test.sh: no program $program" >&2; exit 1; }
done
tree=$(cd "$(dirname "$0")/.." && pwd)
parent=${3:-${TMPDIR:-/tmp}}
mkdir -p "$parent"
scratch=$(mktemp -d "$parent/fwdelta-cost.XXXXXX") || exit 1
cd "$scratch" || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

# Exit codes, as tools/fwdelta/exit_codes.h has them.
ok=0 usage=2 io=3 malformed=4 base=8

# check DESCRIPTION COMMAND...: the command must succeed.
check() {
  description=$1
  shift
  if "$@" >check.log 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $description"
    sed 's/^/  /' check.log
  fi
}

# expect CODE TEXT ARGUMENTS...: `fwdelta ARGUMENTS` must return CODE and print TEXT.
expect() {
  code=$1
  text=$2
  shift 2
  "$fwdelta" "$@" >stdout 2>stderr
  result=$?
  cat stdout stderr >output
  check "fwdelta $*: exit code $result instead of $code" [ $result -eq "$code" ]
  [ -z "$text" ] || check "fwdelta $*: does not say \"$text\"" grep -q -F -e "$text" output
}

# expect_json POINTER VALUE: in the standard output of the last expect.
expect_json() {
  value=$("$json_check" "$1" <stdout)
  check "JSON $1 is \"$value\" and not \"$2\"" [ "$value" = "$2" ]
}

says() { check "does not say \"$1\"" grep -q -F -e "$1" stdout; }
says_not() { check "says \"$1\"" not grep -q -F -e "$1" stdout; }
not() { if "$@"; then return 1; fi; }

# Numbers that compress badly, the same on every run.
numbers() { awk -v state="$1" -v count="$2" 'BEGIN {
  for (i = 0; i < count; ++i) { state = (state * 1103515245 + 12345) % 2147483648; print state } }'; }

make_patches() {
  numbers 1 4000 >old.bin
  { head -n 1500 old.bin; numbers 2 300; tail -n 2400 old.bin; } >new.bin
  "$fwdelta" create old.bin new.bin --unsigned --out two.fwd >/dev/null || exit 1
  "$fwdelta" create old.bin new.bin --in-place --device nrf52840 \
    --unsigned --out in_place.fwd >/dev/null || exit 1
  size=$(wc -c <two.fwd)
  full=$(wc -c <new.bin)
}

test_cost_sizes() {
  # METERED facts: 200 KB is 741 messages of 270 bytes, the last of 200: 740 x 6 + 4 credits, at 0.16 each.
  expect $ok '' cost 200000 --profile P21 --json
  expect_json /update/bytes 200000
  expect_json /full_bytes null
  expect_json /profiles/0/update/packets 741
  expect_json /profiles/0/update/credits/typical 4444
  expect_json /profiles/0/update/billed_bytes/typical 222200
  expect_json /profiles/0/update/money/typical 711.04
  expect_json /profiles/0/plan/price_date 'c. 2015'
  expect_json /profiles/0/plan/status historic
  # Sigfox: 4000 bytes are 500 packets of 8, 4 a day.
  expect $ok '' cost 4000 --profile P26 --json
  expect_json /profiles/0/update/transfer_seconds/typical 10800000
  # 100 KB units: 4 KB and 90 KB cost the same.
  expect $ok '' cost 4K --full 90000 --profile P18 --json
  expect_json /profiles/0/update/billed_bytes/typical 100000
  expect_json /profiles/0/full/billed_bytes/typical 100000
  expect_json /profiles/0/ratio/money/typical 1
  # No price, and no money.
  expect $ok '' cost 4K --profile P22 --json
  expect_json /profiles/0/update/priced false
  expect_json /profiles/0/update/money null
  expect $ok 'not priced' cost 4K --profile P22,P23
  expect $ok '' cost 0 --profile P21 --json
  expect_json /profiles/0/update/billed_bytes/high 0
}

test_cost_profiles() {
  expect $ok 'P21' cost 4K
  says '2015*'
  says '* a historic or withdrawn price'
  expect $ok '' cost 4K --profile all --json
  expect_json /profiles/31/id P32
  expect_json /prices_as_of 2026-11-22
  check 'all profiles have sources' grep -q '"url"' stdout
  expect $ok '' cost 4K --profile P21 --profile P21,P13 --json
  expect_json /profiles/1/id P13
  check 'no profile twice' not "$json_check" /profiles/2 <stdout
  expect $ok 'emnify pooled example on NB-IoT' cost 4K --profile iot-emnify+nbiot
  says 'price undated'
  expect $usage 'no profile "P99"; there are P01' cost 4K --profile P99
  expect $usage 'no link "x"; there are wifi' cost 4K --profile none+x
  expect $usage 'plan sat-iridium-sbd is priced by messages of at most 270 bytes' \
    cost 4K --profile sat-iridium-sbd+lte
  expect $usage 'there are cr2032 2xAA-alkaline' cost 4K --battery AAA
  expect $usage '--json and --csv: choose one of them' cost 4K --json --csv
  expect $usage 'give either a patch or size, or --validate' cost
  expect $io 'cannot open' cost missing.fwd
  expect $usage 'at most 1099511627776' cost 2000G
  expect $malformed '' cost old.bin
}

test_cost_patches() {
  expect $ok "two.fwd, $size bytes" cost two.fwd --profile P27
  says "full image  $full bytes"
  expect $ok '' cost two.fwd --profile P27 --json
  expect_json /full_bytes "$full"
  expect_json /device null
  # A second slot: the flash does the same for a delta, and a delta does not help.
  expect $ok 'update and full image erase and program the same pages' \
    cost two.fwd --profile P27 --device nrf52840
  expect $ok '' cost two.fwd --profile P27 --device nrf52840 --json
  expect_json /profiles/0/ratio/flash_joules/typical 1
  # In place, as fwdelta simulate has it.
  expect $ok 'add --old' cost in_place.fwd --profile P27 --device nrf52840
  "$fwdelta" simulate old.bin in_place.fwd --device nrf52840 --json >simulated
  expect $ok '' cost in_place.fwd --profile P27 --device nrf52840 --old old.bin --json
  for field in erases programmed_bytes; do
    pointer=/erases/total
    [ $field = erases ] || pointer=/bytes/programmed
    expect_json /profiles/0/update/flash/$field "$("$json_check" $pointer <simulated)"
  done
  expect $usage 'is no update in place' cost two.fwd --device nrf52840 --old old.bin
  expect $usage '--old goes with --device' cost in_place.fwd --old old.bin
  expect $base '' cost in_place.fwd --device nrf52840 --old new.bin
  check 'a cost without a device from a pipe' sh -c "cat two.fwd | '$fwdelta' cost - --profile P27"
  head -c 1000 two.fwd >short.fwd
  expect $malformed '' cost short.fwd
}

test_cost_conditions() {
  expect $ok '20 an hour, then goes on; expected values' cost 40K --profile P13 --interruptions 20
  expect $ok '' cost 40K --profile P13 --interruptions 20 --json
  with=$("$json_check" /profiles/0/update/sessions/typical <stdout)
  expect $ok '' cost 40K --profile P13 --interruptions 20 --no-resume --json
  without=$("$json_check" /profiles/0/update/sessions/typical <stdout)
  check "resuming takes fewer sessions: $with, $without" awk "BEGIN { exit !(1 < $with && $with < $without) }"
  expect $ok 'the full image'"'"'s transfer never ends' \
    cost 40 --full 200000 --profile P13,P26 --interruptions 2
  expect $ok '' cost 200000 --profile P26 --interruptions 10 --json
  expect_json /profiles/0/update/ends/typical false
  expect_json /profiles/0/update/transfer_seconds/typical null
  expect $usage 'interruptions per hour: must be 0 or more' cost 4K --interruptions -1
  expect $usage '' cost 4K --interruptions many
}

test_cost_plans() {
  cat >plan.json <<'END'
{"name": "mine", "model": "per_byte", "currency": "EUR", "price_date": "2026-11",
 "price_per_mb": {"low": 1, "typical": 2, "high": 3}, "metering": {"quantum_bytes": 10000}}
END
  expect $ok 'price of 2026-11' cost 4K --plan plan.json --link nbiot
  says 'EUR 0.02 (low 0.01, high 0.03)'
  expect $ok '' cost 4K --plan plan.json --profile P12,P13 --json
  expect_json /profiles/1/id own+nbiot-saw
  expect $usage 'on which link? Add --link lte' cost 4K --plan plan.json
  expect $usage 'no such link; there are wifi' cost 4K --plan plan.json --link x
  expect $usage '--link goes with --plan' cost 4K --link lte
  expect $usage '--plan-id goes with --plan' cost 4K --plan-id A
  {
    printf '%s,' date_published unique_plan_identifier provider_name bandwidth_download_units
    printf '%s,' bandwidth_download_typical_low bandwidth_download_typical_high
    printf '%s,' latency_idle_low latency_idle_high
    printf '%s\n' policy_data_usage,fee_data_usage,fee_data_usage_description
    echo '2026-01-15,F1A,Net,Mbps,8,8,20,20,Yes,10,$10 per 50 GB after 1.2 TB'
    echo '2026-01-15,F1B,Net,Mbps,8,8,20,20,Yes,10,$10 per 50 GB at night'
  } >label.csv
  expect $ok '' cost 1M --plan label.csv --plan-id F1A --json
  expect_json /profiles/0/link/id label
  expect_json /profiles/0/plan/price_date 2026-01-15
  expect_json /profiles/0/update/money/low 0
  expect_json /profiles/0/update/money/high 10
  expect $ok 'read as: 10 USD for each started 50000000 kB after 1200000 MB a month' \
    cost 1M --plan label.csv --plan-id F1A
  expect $usage '2 plans; choose one by its id: F1A F1B' cost 1M --plan label.csv
  expect $usage 'cannot be read without doubt' cost 1M --plan label.csv --plan-id F1B
  echo '{"name": "mine"' >broken.json
  expect $usage 'broken.json: not JSON' cost 4K --plan broken.json --link lte
  expect $io '' cost 4K --plan missing.json --link lte
  expect $usage '"exit_code": 2' cost 4K --plan broken.json --link lte --json
}

test_cost_tables() {
  expect $ok '' cost 4K --full 200000 --profile P13,P22 --csv
  check 'CSV has a line for each profile and case' [ "$(wc -l <stdout)" -eq 7 ]
  check 'CSV lines have equal numbers of fields' \
    awk -F, '{ gsub(/"[^"]*"/, "") } NR == 1 { n = NF } NF != n { exit 1 }' \
    stdout
  expect $ok 'thread-updatehub-ping' cost --validate
  expect $ok '' cost --validate --json
  expect_json /observations/0/id thread-updatehub-ping
  expect $ok '' cost --validate --csv
  check 'bench/results/cost_validation.csv is not what fwdelta cost --validate --csv prints' \
    cmp stdout "$tree/bench/results/cost_validation.csv"
  "$fwdelta" cost 4K --profile all --json >first
  "$fwdelta" cost 4K --profile all --json >second
  check 'the same numbers again' cmp first second
}

label() { expect $ok '' label two.fwd --from 2026-01-01 --support-until 2030-01-01 "$@"; }

test_label_text() {
  label --profile P12,P21 --paid-by user
  says '2030-01-01 (4.0 years from 2026-01-01)'
  says 'about 12 a year, 48 in all'
  says 'you, the user'
  says 'NOT signed'
  says 'Iridium SBD: price of c. 2015 (historic)'
  says '1NCE on LTE-M: price of 2026-05-25'
  says 'of the prepaid 500 MB'
  says 'WHERE THE FIGURES COME FROM'
  label --profile P12 --paid-by vendor --updates-per-year 4 --installed on-request --product 'Lamp 3'
  says 'UPDATE DATA LABEL  Lamp 3'
  says 'when you ask for it'
  says 'about 4 a year, 16 in all'
  says 'paid by the vendor'
  label --profile P22 --paid-by user
  says 'not priced'
  says 'no published price'
}

test_label_html() {
  label --profile P12,P21 --paid-by user --html --product '<b>&"x"</b>'
  says '&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;'
  says_not '<b>'
  says '<html lang="en">'
  says '<details>'
  says '<th scope="row">'
  says '<caption>Iridium SBD: price of c. 2015 (historic)</caption>'
  says_not 'http'
  says_not '<script'
  label --profile P12 --paid-by user --html --out label.html
  check 'label.html is there' [ -s label.html ]
  expect $io 'exists already' label two.fwd --support-until 2999-01-01 --paid-by user --html --out label.html
}

test_label_json() {
  label --profile P12 --paid-by user --json
  expect_json /support_until 2030-01-01
  expect_json /support_years 4
  expect_json /update_bytes "$size"
  expect_json /paid_by user
  expect_json /profiles/0/plan/price_date 2026-05-25
  update=$("$json_check" /profiles/0/billed_bytes/update/typical <stdout)
  expect_json /profiles/0/billed_bytes/support/typical $((update * 48))
}

test_label_errors() {
  expect $usage 'must be a day such as 2031-06-30' label two.fwd --support-until 2030-02-30 --paid-by user
  expect $usage 'support ends on 2020-01-01, before' label two.fwd --support-until 2020-01-01 --paid-by user
  expect $usage '--paid-by' label two.fwd --support-until 2030-01-01
  expect $usage '' label two.fwd --support-until 2030-01-01 --paid-by me
  expect $usage 'made for a patch, not for a size' label 18K --support-until 2999-01-01 --paid-by user
  expect $usage 'choose one of them' label two.fwd --support-until 2999-01-01 --paid-by user --html --json
  expect $usage 'updates per year' \
    label two.fwd --support-until 2999-01-01 --paid-by user --updates-per-year -1
}

make_patches
for test in test_cost_sizes test_cost_profiles test_cost_patches test_cost_conditions test_cost_plans \
  test_cost_tables \
  test_label_text test_label_html test_label_json test_label_errors; do
  $test
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
