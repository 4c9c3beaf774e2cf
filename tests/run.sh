#!/bin/sh
# Installs what is missing, builds everything and runs all tests. Its last line is "N passed, M failed";
# fails if anything failed, was skipped, or was expected and not there.
#
#   sh tests/run.sh [STEP...]      default: all steps, in this order:
#     lint release sanitize fuzz footprint install readme demo report
set -eu
cd "$(dirname "$0")/.."

steps='lint release sanitize fuzz footprint install readme demo report'
[ $# -eq 0 ] || steps=$*

logs=build/logs
mkdir -p $logs
jobs=$(nproc)
passed=0
failed=0

# Runs one check as "note NAME COMMAND..."; its output is shown only if it fails.
note() {
  name=$1
  shift
  log=$logs/$(echo "$name" | tr ' /' '__').log
  start=$(date +%s)
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name ($(($(date +%s) - start)) s)"
  else
    failed=$((failed + 1))
    echo "FAILED  $name ($(($(date +%s) - start)) s); the end of $log:"
    tail -n 60 "$log" | sed 's/^/        /'
    return 1
  fi
}

# build PRESET [TARGET]
build() {
  cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" --target "${2:-all}"
}

# Cases of a passed test that ends with "N passed, M failed" itself; 1 for any other.
cases_of() {
  awk -v name="$1" '
    /^[0-9]+\/[0-9]+ Testing: / { inside = $3 == name }
    inside && /^[0-9]+ passed, 0 failed$/ { cases = $1 }
    END { print cases ? cases : 1 }' "$2/Testing/Temporary/LastTest.log"
}

# Runs ctest and adds up test cases: those in the reports of GoogleTest programs, and one for each other
# test. Programs without a report or without test cases, and skipped or disabled cases are failures.
run_ctest() {
  preset=$1
  log=$logs/ctest_$preset.log
  start=$(date +%s)
  rm -rf "build/$preset/reports"
  ctest --preset "$preset" -j "$jobs" --timeout 600 --no-tests=error >"$log" 2>&1 || true
  ctest_passed=0
  ctest_failed=0
  while read -r name result; do
    source=tests/$name.cc
    report=build/$preset/reports/$name.xml
    if [ -f "$source" ] && [ -f "$report" ]; then
      # Of each <testsuite>: cases, then those that do not count as passed.
      counts=$(awk '
        function number(name) {
          if (!match($0, " " name "=\"[0-9]+")) return 0
          return substr($0, RSTART + length(name) + 3) + 0
        }
        /<testsuite / {
          all += number("tests")
          bad += number("failures") + number("disabled") + number("skipped") + number("errors")
        }
        END { print all + 0, bad + 0 }' "$report")
      all=${counts% *}
      bad=${counts#* }
      [ "$all" -gt 0 ] || bad=1
      [ "$result" = Passed ] || [ "$bad" -gt 0 ] || bad=1
      [ "$bad" -le "$all" ] || all=$bad
      ctest_passed=$((ctest_passed + all - bad))
      ctest_failed=$((ctest_failed + bad))
      [ "$bad" -eq 0 ] || echo "        $name: $bad of $all failed, skipped or disabled"
    elif [ "$result" = Passed ] && [ ! -f "$source" ]; then
      ctest_passed=$((ctest_passed + $(cases_of "$name" "build/$preset")))
    else
      ctest_failed=$((ctest_failed + 1))
      echo "        $name: $result"
    fi
  done <<EOF
$(sed -n 's|^ *[0-9]*/[0-9]* Test *#[0-9]*: \([A-Za-z0-9_]*\) \.*[ *]*\([A-Za-z]*\).*|\1 \2|p' "$log")
EOF
  for source in tests/*_test.cc tests/*cli_test.sh; do
    name=$(basename "${source%.*}")
    grep -q "Test *#[0-9]*: $name " "$log" && continue
    ctest_failed=$((ctest_failed + 1))
    echo "        $name did not run"
  done
  passed=$((passed + ctest_passed))
  failed=$((failed + ctest_failed))
  seconds=$(($(date +%s) - start))
  if [ "$ctest_failed" -eq 0 ] && [ "$ctest_passed" -gt 0 ]; then
    echo "ok      tests, $preset: $ctest_passed cases ($seconds s)"
  else
    [ "$ctest_failed" -gt 0 ] || failed=$((failed + 1))
    all=$((ctest_passed + ctest_failed))
    echo "FAILED  tests, $preset: $ctest_failed of $all ($seconds s); the end of $log:"
    tail -n 100 "$log" | sed 's/^/        /'
  fi
}

# A bounded run of a libFuzzer executable, from committed inputs; the seed makes it repeatable.
fuzz_one() {
  harness=$1
  rm -rf "build/fuzz/work/$harness"
  mkdir -p "build/fuzz/work/$harness"
  "build/fuzz/fuzz/$harness" -seed=1 -runs=3000 -max_total_time=40 -max_len=4096 -rss_limit_mb=2048 \
    "build/fuzz/work/$harness" "fuzz/corpus/$harness" tests/golden
}

# All of them, one for each processor at a time.
fuzz_all() {
  running=0
  for source in fuzz/fuzz_*.cc; do
    harness=$(basename "$source" .cc)
    {
      result=0
      fuzz_one "$harness" >"$logs/$harness.run" 2>&1 || result=$?
      echo $result >"$logs/$harness.result"
    } &
    running=$((running + 1))
    [ $((running % jobs)) -ne 0 ] || wait
  done
  wait
}

fuzz_result() {
  cat "$logs/$1.run"
  return "$(cat "$logs/$1.result")"
}

step_lint() {
  note 'lint' sh tests/lint.sh || true
}

step_release() {
  if note 'build, release' build release; then run_ctest release; fi
}

step_sanitize() {
  if note 'build, asan-ubsan' build asan-ubsan; then run_ctest asan-ubsan; fi
}

step_fuzz() {
  note 'build, fuzz (clang, libFuzzer)' build fuzz fuzzers || return 0
  rm -f $logs/fuzz_*.result
  fuzz_all
  for source in fuzz/fuzz_*.cc; do
    note "$(basename "$source" .cc)" fuzz_result "$(basename "$source" .cc)" || true
  done
}

arm_presets() {
  for preset in arm-m0plus arm-m4; do build $preset || return 1; done
}

step_footprint() {
  note 'build, arm-m0plus and arm-m4' arm_presets || true
  note 'footprint on Cortex-M and RISC-V' sh bench/footprint.sh --check || true
  note 'instructions per byte' sh bench/instructions.sh --check || true
}

# own_cases NAME LOG COMMAND...: runs a test that ends with "N passed, M failed" itself, and adds these up.
own_cases() {
  name=$1
  log=$logs/$2.log
  shift 2
  start=$(date +%s)
  result=0
  "$@" >"$log" 2>&1 || result=$?
  counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
  [ -n "$counts" ] || counts='0 1'
  own_passed=${counts% *}
  own_failed=${counts#* }
  [ $result -eq 0 ] || [ "$own_failed" -gt 0 ] || own_failed=1
  passed=$((passed + own_passed))
  failed=$((failed + own_failed))
  if [ "$own_failed" -eq 0 ]; then
    echo "ok      $name: $own_passed checks ($(($(date +%s) - start)) s)"
  else
    echo "FAILED  $name: $own_failed ($(($(date +%s) - start)) s); the end of $log:"
    tail -n 60 "$log" | sed 's/^/        /'
  fi
}

step_install() {
  note 'install, find_package, pkg-config' sh tests/install/run.sh || true
}

step_readme() {
  note 'README snippets compile' sh tests/readme_test.sh || true
}

step_demo() {
  note 'demo with the bundled pair' sh tools/demo.sh --bundled || true
}

# Programs and packages that only this step needs are installed by it.
step_report() {
  own_cases 'report and its page' report sh tests/report_test.sh
}

start_all=$(date +%s)
sh tools/deps.sh build arm riscv qemu test demo bench
for step in $steps; do
  case $step in
    lint | release | sanitize | fuzz | footprint | install | readme | demo | report) "step_$step" ;;
    *)
      echo "run.sh: no step '$step'; see the top of this file" >&2
      exit 2
      ;;
  esac
done
echo "took $(($(date +%s) - start_all)) s"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
