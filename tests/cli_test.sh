#!/bin/sh
# Tests of the fwdelta command as its users see it: files, pipes, messages and exit codes.
#
#   sh tests/cli_test.sh FWDELTA FORGETFUL JSON_CHECK [SCRATCH]
#
# FWDELTA is the command, FORGETFUL the same with tests/forgetful_recover.cc, JSON_CHECK the program of
# tests/json_check.cc; files go to a new directory in SCRATCH, which is removed at the end. Prints every
# check that fails and "N passed, M failed"; returns 1 if any failed.
set -u

case ${1:?} in /*) fwdelta=$1 ;; *) fwdelta=$PWD/$1 ;; esac
case ${2:?} in /*) forgetful=$2 ;; *) forgetful=$PWD/$2 ;; esac
case ${3:?} in /*) json_check=$3 ;; *) json_check=$PWD/$3 ;; esac
for program in "$fwdelta" "$forgetful" "$json_check"; do
  [ -x "$program" ] || { echo "cli_test.sh: no program $program" >&2; exit 1; }
done
parent=${4:-${TMPDIR:-/tmp}}
mkdir -p "$parent"
scratch=$(mktemp -d "$parent/fwdelta-cli.XXXXXX") || exit 1
cd "$scratch" || exit 1
scratch=$PWD
trap 'rm -rf "$scratch"' EXIT
TMPDIR=$scratch
export TMPDIR
passed=0
failed=0

# Exit codes, as tools/fwdelta/exit_codes.h has them.
ok=0 usage=2 io=3 malformed=4 signature=5 target=6 counter=7 base=8 ram=9 internal=10
geometry=11 in_progress=12 unsafe=13

pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}

# check DESCRIPTION COMMAND...: the command must succeed.
check() {
  description=$1
  shift
  if "$@" >check.log 2>&1; then
    pass
  else
    fail "$description"
    sed 's/^/  /' check.log
  fi
}

# expect CODE TEXT ARGUMENTS...: `fwdelta ARGUMENTS` must return CODE, print TEXT, and leave no
# temporary file. Its standard input is this function's.
expect() {
  code=$1
  text=$2
  shift 2
  "$fwdelta" "$@" >stdout 2>stderr
  result=$?
  cat stdout stderr >output
  if [ $result -ne "$code" ]; then
    fail "fwdelta $*: exit code $result instead of $code"
    sed 's/^/  /' stderr
  elif [ -n "$text" ] && ! grep -a -q -F -e "$text" output; then
    fail "fwdelta $*: does not say \"$text\""
    sed 's/^/  /' output
  else
    pass
  fi
  check "fwdelta $*: no temporary file left" has_no_temporaries
}

has_no_temporaries() {
  for file in .fwdelta-*; do
    [ ! -e "$file" ] || return 1
  done
}
lacks() { ! grep -q -F -e "$2" "$1"; }
is_absent() { [ ! -e "$1" ]; }
has_size() { [ "$(wc -c <"$1")" -eq "$2" ]; }
is_equal() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; false; }; }
is_valid_json() { "$json_check" <"$1"; }

# json FILE POINTER: prints the value.
json() { "$json_check" "$2" <"$1"; }

# expect_json POINTER VALUE: in the standard output of the last expect.
expect_json() { check "JSON $1 is $2" is_equal "$(json stdout "$1")" "$2"; }

# from_hex: hexadecimal text on standard input to bytes.
from_hex() {
  od_format=$(sed 's/../\\0x&/g' | tr -d '\n')
  # Octal escapes are the only ones that every printf has.
  for byte in $(printf '%s' "$od_format" | sed 's/\\0x/ /g'); do
    printf "\\$(printf '%03o' "0x$byte")"
  done
}

# flip FILE OFFSET COPY: COPY is FILE with one bit of one byte inverted.
flip() {
  cp "$1" "$3"
  byte=$(od -A n -t u1 -j "$2" -N 1 "$1" | tr -d ' ')
  printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$3" bs=1 seek="$2" conv=notrunc 2>dd.log
}

# der_integer HEX: a 32-byte number as a DER integer, hexadecimal.
der_integer() {
  digits=$(printf '%s' "$1" | sed 's/^\(00\)*//')
  case $digits in [89a-f]*) digits=00$digits ;; esac
  printf '02%02x%s' $((${#digits} / 2)) "$digits"
}

# Numbers that compress badly, the same on every run.
numbers() { awk -v state="$1" -v count="$2" 'BEGIN {
  for (i = 0; i < count; ++i) { state = (state * 1103515245 + 12345) % 2147483648; print state } }'; }

make_images() {
  numbers 1 4000 >old.bin
  { head -n 1500 old.bin; numbers 2 300; tail -n 2400 old.bin; } >new.bin
  numbers 3 2000 >other.bin
}

test_help() {
  expect $ok 'Exit codes:' --help
  expect $ok 'patch format 1' --version
  for command in keygen create explain flatten sign info verify apply simulate serve; do
    expect $ok 'Example' $command --help
  done
  expect $usage 'fwdelta --help' create-nothing
  expect $usage '' 
  expect $usage 'fwdelta info --help' info --no-such-option
  expect $usage '"exit_code": 2' info --no-such-option --json
}

test_keygen() {
  old_umask=$(umask)
  umask 000
  expect $ok 'ed25519 key' keygen --out a
  umask "$old_umask"
  expect $ok 'p256 key' keygen --out b --algorithm p256 --comment 'second person'
  expect $ok '' keygen --out c --json
  check 'keygen --json is JSON' is_valid_json stdout
  expect_json /key_id "$(cut -d' ' -f4 c.pub)"
  for name in a b c; do
    check "$name.key: mode 0600" is_equal "$(ls -l $name.key | cut -c1-10)" '-rw-------'
    check "$name.pub: one line" is_equal "$(wc -l <$name.pub | tr -d ' ')" 1
  done
  check 'algorithm in the public key' grep -q '^libdelta-pub p256 ' b.pub
  check 'comment in the public key' grep -q ' second person$' b.pub
  cp a.key a.key.before
  expect $io 'never overwritten' keygen --out a
  check 'a.key unchanged' cmp a.key a.key.before
  cp a.pub only.pub
  expect $io 'only.pub: exists already' keygen --out only
  check 'no secret key without its public key' is_absent only.key
  expect $usage 'rsa' keygen --out d --algorithm rsa
  expect $io 'nowhere/d.key' keygen --out nowhere/d
  expect $usage 'give a name' keygen --out -
  expect $usage '--out is required' keygen
}

test_create() {
  expect $usage '--key K' create old.bin new.bin --out none.fwd
  expect $usage '--unsigned' create old.bin new.bin --out none.fwd
  expect $usage 'exclude each other' create old.bin new.bin --out none.fwd --unsigned --key a.key
  expect $usage 'give OLD and NEW' create new.bin --unsigned --out none.fwd
  expect $usage '--ram' create old.bin new.bin --unsigned --out none.fwd --ram 64Q
  expect $usage '--ram 1K: must be 2K .. 1M' create old.bin new.bin --unsigned --out none.fwd --ram 1K
  expect $usage '--chunk 8K: must be 256 .. 4K' create old.bin new.bin --unsigned --out none.fwd --chunk 8K
  expect $usage 'hardware' create old.bin new.bin --unsigned --out none.fwd --hardware 'two words'
  expect $usage '--effort' create old.bin new.bin --unsigned --out none.fwd --effort 10
expect $usage '--isa' create old.bin new.bin --unsigned --out none.fwd --isa pdp11
  expect $usage '--load-address' create old.bin new.bin --unsigned --out none.fwd --load-address here
  expect $usage 'a public key where' create old.bin new.bin --out none.fwd --key a.pub
  expect $usage 'only one' create - - --unsigned --out none.fwd
  expect $io 'missing.bin' create missing.bin new.bin --unsigned --out none.fwd
  expect $io 'missing.key' create old.bin new.bin --key missing.key --out none.fwd
  expect $io 'nowhere' create old.bin new.bin --unsigned --out nowhere/p.fwd
  expect $io 'directory' create old.bin . --unsigned --out none.fwd
  check 'nothing was written' is_absent none.fwd

  expect $ok 'not signed' create old.bin new.bin --unsigned --out unsigned.fwd
  expect $ok "signed by $(cut -d' ' -f4 a.pub)" create old.bin new.bin --key a.key --out one.fwd \
    --hardware bulb-r2 --component app --counter 7 --ram 16K --chunk 512
  # The encoder may need less than it was allowed.
  needed_ram=$("$fwdelta" info one.fwd --json | "$json_check" /ram)
  check 'RAM above the minimum' [ "$needed_ram" -gt 2048 ]
  check 'RAM within the limit' [ "$needed_ram" -le 16384 ]
  expect $ok 'signed by' create old.bin new.bin --key a.key --key b.key --out two.fwd
  expect $ok '' create old.bin new.bin --key a.key --key b.key --out again.fwd -j 1 --json
  check 'the same patch for any number of threads, P-256 included' cmp two.fwd again.fwd
  check 'create --json is JSON' is_valid_json stdout
  expect_json /header/patch_length "$(wc -c <again.fwd | tr -d ' ')"
  expect $ok '(payload)' create old.bin new.bin --unsigned --stats --out stats.fwd
  expect $ok '' create new.bin --full --key a.key --out full.fwd --ram 8K --chunk 256
  expect $ok '' create old.bin new.bin --full --key a.key --out full2.fwd --ram 8K --chunk 256
  check 'a full image does not depend on the old one' cmp full.fwd full2.fwd
  expect $ok '' create old.bin new.bin --unsigned --load-address 0x8000000 --out address.fwd
  expect $ok '' create old.bin new.bin --unsigned --isa mipsel --out isa.fwd
  expect $ok '' create old.bin new.bin --unsigned --no-templates --no-full --out plain.fwd
  expect $ok '' apply old.bin plain.fwd --allow-unsigned --out plain.bin
  check 'without templates' cmp plain.bin new.bin
  expect $usage '--full' create old.bin new.bin --unsigned --no-full --full --out none.fwd

  cp one.fwd one.before
  expect $io '--force' create old.bin new.bin --unsigned --out one.fwd
  check 'existing patch kept' cmp one.fwd one.before
  expect $ok '' create old.bin new.bin --unsigned --out address.fwd --force
  check 'create --force' cmp address.fwd unsigned.fwd

  "$fwdelta" create - new.bin --unsigned --out - <old.bin >piped.fwd 2>stderr
  check 'create from a pipe to a pipe' cmp piped.fwd unsigned.fwd
  expect $usage '--json' create old.bin new.bin --unsigned --json --out -
  "$fwdelta" create old.bin new.bin --unsigned --out - >/dev/full 2>stderr
  check 'a full disk behind standard output is an error' is_equal $? $io
}

test_key_warning() {
  cp a.key exposed.key
  chmod 644 exposed.key
  expect $ok 'warning: exposed.key' create old.bin new.bin --key exposed.key --out exposed.fwd
}

test_info() {
  expect $ok 'bulb-r2' info one.fwd
  for field in format hardware component counter 'old image' 'new image' header payload RAM 'signed by'; do
    check "info has $field" grep -q "^$field" stdout
  done
  expect $ok '' info one.fwd --json
  check 'info --json is JSON' is_valid_json stdout
  expect_json /hardware bulb-r2
  expect_json /component app
  expect_json /counter 7
  expect_json /chunk_size 512
  expect_json /size "$(wc -c <one.fwd | tr -d ' ')"
  expect_json /old/length "$(wc -c <old.bin | tr -d ' ')"
  expect_json /old/sha256_start "$(sha256sum old.bin | cut -c1-32)"
  expect_json /new/sha256 "$(sha256sum new.bin | cut -d' ' -f1)"
  expect_json /signatures/0/key_id "$(cut -d' ' -f4 a.pub)"
  expect $ok 'nobody' info unsigned.fwd
  expect $ok 'whole new image' info full.fwd
  expect $ok 'standard input' info - <one.fwd
  expect $malformed 'not a libdelta patch' info old.bin
  expect $malformed 'ends inside its header' info - </dev/null
  head -c 100 one.fwd >cut.fwd
  expect $malformed 'ends inside its header' info cut.fwd
  head -c 700 one.fwd >cut.fwd
  expect $malformed 'truncated' info cut.fwd
  { cat one.fwd; echo; } >longer.fwd
  expect $malformed 'bytes follow its end' info longer.fwd
  flip one.fwd 3 version.fwd
  expect $malformed 'format version 0' info version.fwd
  expect $io 'missing.fwd' info missing.fwd
  expect $io '"error": "io"' info missing.fwd --json
  check 'an error with --json is JSON' is_valid_json stdout
  "$fwdelta" info one.fwd >/dev/full 2>stderr
  check 'a lost report is an error' is_equal $? $io
}

test_verify() {
  expect $ok 'authentic' verify one.fwd --trust a.pub
  expect $ok '' verify one.fwd --trust a.pub --hardware bulb-r2 --component app --min-counter 7 \
    --ram "$needed_ram" --old old.bin --json
  check 'verify --json is JSON' is_valid_json stdout
  expect_json /signers/0/file a.pub
  expect_json /base_checked true
  expect $ok '' verify - --trust a.pub <one.fwd
  expect $usage '--trust PUB is required' verify one.fwd
  expect $usage 'before --trust' verify --trust a.pub one.fwd
  expect $usage 'a secret key' verify one.fwd --trust a.key
  expect $io 'missing.pub' verify one.fwd --trust missing.pub
  expect $signature 'signed by' verify one.fwd --trust b.pub
  expect $signature 'not signed' verify unsigned.fwd --trust a.pub
  expect $target 'made for hardware "bulb-r2", this is "bulb-r3" (--hardware)' \
    verify one.fwd --trust a.pub --hardware bulb-r3
  expect $target 'made for component "app", this is "boot" (--component)' \
    verify one.fwd --trust a.pub --component boot
  expect $target 'none in particular' verify two.fwd --trust a.pub --hardware bulb-r3
  expect $counter '7 is older than 8 (--min-counter)' verify one.fwd --trust a.pub --min-counter 8
  expect $ram 'given (--ram)' verify one.fwd --trust a.pub --ram $((needed_ram - 1))
  expect $usage '2K .. 1M' verify one.fwd --trust a.pub --ram 1K
  expect $base 'other.bin: not the base image' verify one.fwd --trust a.pub --old other.bin
  head -c 100 old.bin >short.bin
  expect $base '100 bytes long' verify one.fwd --trust a.pub --old short.bin
}

test_threshold() {
  expect $ok 'b.pub' verify two.fwd --trust a.pub b.pub --threshold 2
  expect $ok '' verify two.fwd --trust a.pub --trust b.pub --trust c.pub --threshold 2
  expect $usage '--threshold' verify two.fwd --trust a.pub b.pub
  expect $usage '--threshold 0' verify two.fwd --trust a.pub --threshold 0
  expect $usage 'only 1 distinct key' verify two.fwd --trust a.pub a.pub --threshold 2
  expect $signature 'fewer than 2 valid signatures' verify one.fwd --trust a.pub b.pub --threshold 2
  expect $signature '' verify two.fwd --trust a.pub c.pub --threshold 2
}

test_sign() {
  expect $ok '2 signatures' sign one.fwd --key b.key --out one-b.fwd
  expect $ok '' verify one-b.fwd --trust a.pub b.pub --threshold 2 --hardware bulb-r2
  expect $usage 'already' sign one-b.fwd --key b.key --out none.fwd
  expect $usage 'give one of' sign one.fwd --out none.fwd
  expect $usage 'give one of' sign one.fwd --key a.key --message-out m --out none.fwd
  expect $usage 'belong together' sign one.fwd --signature m --out none.fwd
  expect $usage '--out is required' sign one.fwd --key b.key
  expect $malformed 'not a libdelta patch' sign old.bin --key b.key --out none.fwd
  expect $malformed 'truncated' sign cut.fwd --key b.key --out none.fwd
  check 'nothing was written' is_absent none.fwd
  cp one-b.fwd one-b.before
  expect $io '--force' sign one.fwd --key b.key --out one-b.fwd
  expect $ok '' sign one.fwd --key b.key --out one-b.fwd --force
  check 'signing is deterministic' cmp one-b.fwd one-b.before
  "$fwdelta" sign - --key b.key --out - <one.fwd 2>stderr | cmp - one-b.fwd >check.log
  check 'sign from a pipe to a pipe' is_equal $? 0
}

# Signatures made elsewhere. The foreign signer is fwdelta itself, on a copy of the patch.
test_sign_elsewhere() {
  expect $ok '56 bytes' sign one.fwd --message-out message
  check 'the message has 56 bytes' has_size message 56
  check 'the message starts with its domain' is_equal "$(head -c 24 message)" 'libdelta patch header v1'
  expect $usage 'leave --out away' sign one.fwd --message-out message2 --out none.fwd
  expect $io '--force' sign one.fwd --message-out message
  "$fwdelta" sign one.fwd --message-out - 2>stderr | cmp - message >check.log
  check 'the message to a pipe' is_equal $? 0

  "$fwdelta" sign unsigned.fwd --key b.key --out elsewhere.fwd >stdout
  "$fwdelta" info elsewhere.fwd --json >elsewhere.json
  hex=$(json elsewhere.json /signatures/0/signature)
  printf '%s' "$hex" | from_hex >raw.sig
  check 'a raw signature has 64 bytes' has_size raw.sig 64
  expect $ok '1 signature' sign unsigned.fwd --signature raw.sig --pub b.pub --out added.fwd
  check 'the signature is the same wherever it was made' cmp added.fwd elsewhere.fwd

  numbers_hex=$(der_integer "$(printf '%s' "$hex" | cut -c1-64)")
  numbers_hex=$numbers_hex$(der_integer "$(printf '%s' "$hex" | cut -c65-)")
  printf '30%02x%s' $((${#numbers_hex} / 2)) "$numbers_hex" | from_hex >der.sig
  { echo '-----BEGIN PUBLIC KEY-----'
    printf '3059301306072a8648ce3d020106082a8648ce3d03010703420004%s' "$(cut -d' ' -f3 b.pub)" |
      from_hex | base64
    echo '-----END PUBLIC KEY-----'; } >b.pem
  expect $ok '1 signature' sign unsigned.fwd --signature der.sig --pub b.pem --out added-der.fwd
  check 'DER and PEM give the same patch' cmp added-der.fwd elsewhere.fwd
  expect $ok 'b.pem' verify added-der.fwd --trust b.pem

  expect $signature 'not a signature of one.fwd' sign one.fwd --signature raw.sig --pub b.pub --out none.fwd
  expect $signature 'not a signature' sign unsigned.fwd --signature raw.sig --pub a.pub --out none.fwd
  expect $signature 'not a P-256 signature' sign unsigned.fwd --signature message --pub b.pub --out none.fwd
  flip raw.sig 40 bad.sig
  expect $signature 'not a signature' sign unsigned.fwd --signature bad.sig --pub b.pub --out none.fwd
  check 'nothing was written' is_absent none.fwd
}

test_apply() {
  expect $ok 'SHA-256' apply old.bin one.fwd --trust a.pub --hardware bulb-r2 --component app --out out.bin
  check 'the new image' cmp out.bin new.bin
  expect $io '--force' apply old.bin one.fwd --trust a.pub --out out.bin
  echo kept >kept.bin
  expect $io '--force' apply old.bin one.fwd --trust a.pub --out kept.bin
  check 'existing image kept' is_equal "$(cat kept.bin)" kept
  expect $ok '' apply old.bin one.fwd --trust a.pub --out kept.bin --force --json
  check 'apply --force' cmp kept.bin new.bin
  check 'apply --json is JSON' is_valid_json stdout
  expect_json /new/sha256 "$(sha256sum new.bin | cut -d' ' -f1)"
  cp old.bin update.bin
  expect $ok '' apply update.bin one.fwd --trust a.pub --out update.bin --force
  check 'an image may replace its base' cmp update.bin new.bin
  expect $ok '' apply old.bin two.fwd --trust a.pub b.pub --threshold 2 --out two.bin
  check 'two signatures' cmp two.bin new.bin
  expect $ok '' apply old.bin unsigned.fwd --allow-unsigned --out unsigned.bin
  check 'unsigned' cmp unsigned.bin new.bin
  expect $ok '' apply full.fwd --trust a.pub --ram 8K --out full.bin
  check 'a full image needs no base' cmp full.bin new.bin
  expect $ok '' apply other.bin full.fwd --trust a.pub --out full3.bin
  check 'a full image ignores the base' cmp full3.bin new.bin
  { cat old.bin; echo padding; } >slot.bin
  expect $ok '' apply slot.bin one.fwd --trust a.pub --out slot-new.bin
  check 'a base with bytes behind it, as in a flash slot' cmp slot-new.bin new.bin
}

test_apply_pipes() {
  # Named pipes, because a function at the end of a pipeline could not count its result. The timeouts are
  # for a writer that nobody reads from.
  mkfifo fifo
  for piece in 1 7 511 100000; do
    timeout 60 dd if=one.fwd of=fifo bs=$piece 2>dd.log &
    expect $ok '' apply old.bin - --trust a.pub --out "pipe-$piece.bin" <fifo
    wait $!
    check "a pipe in pieces of $piece" cmp "pipe-$piece.bin" new.bin
  done
  timeout 60 sh -c '{ head -c 3 one.fwd; sleep 0.2; tail -c +4 one.fwd; } >fifo' &
  expect $ok '' apply old.bin - --trust a.pub --out pipe-slow.bin <fifo
  wait $!
  check 'a slow pipe' cmp pipe-slow.bin new.bin
  timeout 60 cp one.fwd fifo &
  expect $ok '' apply old.bin fifo --trust a.pub --out fifo.bin
  wait $!
  check 'a named pipe' cmp fifo.bin new.bin
  "$fwdelta" apply old.bin one.fwd --trust a.pub --out - 2>stderr | cmp - new.bin >check.log
  check 'to standard output' is_equal $? 0
  "$fwdelta" apply - one.fwd --trust a.pub --out - <old.bin 2>stderr | cmp - new.bin >check.log
  check 'the base from standard input' is_equal $? 0
  flip one.fwd 700 damaged.fwd
  "$fwdelta" apply old.bin - --trust a.pub --out - <damaged.fwd >nothing 2>stderr
  check 'damage in a pipe' is_equal $? $malformed
  check 'nothing of a refused image reaches standard output' has_size nothing 0
  expect $usage 'only one' apply - - --trust a.pub --out none.bin
  expect $usage '--json' apply old.bin one.fwd --trust a.pub --out - --json
}

test_apply_refusals() {
  expect $usage '--allow-unsigned' apply old.bin one.fwd --out none.bin
  expect $usage 'exclude each other' apply old.bin one.fwd --trust a.pub --allow-unsigned --out none.bin
  expect $usage 'which needs the old image' apply one.fwd --trust a.pub --out none.bin
  expect $usage 'before --trust' apply --trust a.pub old.bin one.fwd --out none.bin
  expect $usage '--threshold' apply old.bin two.fwd --trust a.pub b.pub --out none.bin
  expect $io 'missing.bin' apply missing.bin one.fwd --trust a.pub --out none.bin
  expect $io 'missing.fwd' apply old.bin missing.fwd --trust a.pub --out none.bin
  expect $signature 'trusted' apply old.bin one.fwd --trust c.pub --out none.bin
  expect $signature 'not signed' apply old.bin unsigned.fwd --trust a.pub --out none.bin
  expect $target 'this is "x" (--hardware)' apply old.bin one.fwd --trust a.pub --hardware x --out none.bin
  expect $target 'this is "x" (--component)' apply old.bin one.fwd --trust a.pub --component x --out none.bin
  expect $counter '--min-counter' apply old.bin one.fwd --trust a.pub --min-counter 8 --out none.bin
  expect $base 'not the base image' apply other.bin one.fwd --trust a.pub --out none.bin
  expect $ram '--ram' apply old.bin one.fwd --trust a.pub --ram $((needed_ram - 1)) --out none.bin
  expect $malformed 'not a libdelta patch' apply old.bin other.bin --trust a.pub --out none.bin
  check 'nothing was written' is_absent none.bin
}

# apply_damaged CODE TEXT FILE: as a file and through a pipe.
apply_damaged() {
  expect "$1" "$2" apply old.bin "$3" --trust a.pub --out none.bin
  expect "$1" "$2" apply old.bin - --trust a.pub --out none.bin <"$3"
  expect "$1" "$2" verify "$3" --trust a.pub
}

test_damage() {
  size=$(wc -c <one.fwd)
  for cut in 0 3 20 150 300 $((size - 1)); do
    head -c "$cut" one.fwd >damaged.fwd
    apply_damaged $malformed 'fetch it again' damaged.fwd
  done
  { cat one.fwd; printf x; } >damaged.fwd
  apply_damaged $malformed 'bytes follow' damaged.fwd
  flip one.fwd 80 damaged.fwd  # In the old image's digest: covered by the signature.
  apply_damaged $signature '' damaged.fwd
  header=$("$fwdelta" info one.fwd --json | "$json_check" /header_length)
  for offset in $header $((header + 600)) $((size - 1)); do
    flip one.fwd "$offset" damaged.fwd
    apply_damaged $malformed 'does not match its header' damaged.fwd
  done
  flip one.fwd $((header - 1)) damaged.fwd  # In the signature.
  apply_damaged $signature '' damaged.fwd
  flip one.fwd 3 damaged.fwd
  apply_damaged $malformed 'use a newer fwdelta' damaged.fwd
  check 'nothing was written' is_absent none.bin
}

# A signal while a download is under way must not leave half an image behind.
test_signal() {
  "$fwdelta" apply old.bin - --trust a.pub --out none.bin <fifo >stdout 2>stderr &
  process=$!
  exec 9>fifo
  head -c 1000 one.fwd >&9
  tries=0
  while has_no_temporaries >check.log && [ $tries -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  check 'a temporary file while applying' is_equal "$(has_no_temporaries >check.log; echo $?)" 1
  kill -TERM $process
  wait $process 2>wait.log
  check 'ended by the signal' is_equal $? 143
  exec 9>&-
  check 'no temporary file after a signal' has_no_temporaries
  check 'no image after a signal' is_absent none.bin
}

test_empty_images() {
  : >empty.bin
  expect $ok '' create old.bin empty.bin --key a.key --out to-empty.fwd
  expect $ok '' apply old.bin to-empty.fwd --trust a.pub --out empty-out.bin
  check 'an empty new image' cmp empty-out.bin empty.bin
  expect $ok '' verify to-empty.fwd --trust a.pub
  expect $ok '' create empty.bin new.bin --key a.key --out from-empty.fwd
  expect $ok '' apply empty.bin from-empty.fwd --trust a.pub --out from-empty.bin
  check 'an empty old image' cmp from-empty.bin new.bin
}

# Out of memory: an image without end from a pipe, and little address space. Not with a sanitizer: it takes
# terabytes of that for itself.
test_internal() {
  full=$fwdelta
  { echo '#!/bin/sh'; echo 'ulimit -v 150000'; echo "exec \"$full\" \"\$@\""; } >limited
  chmod +x limited
  fwdelta=$scratch/limited
  if "$fwdelta" --version >limited.log 2>&1; then
    head -c 400000000 /dev/zero | cat >fifo &
    expect $internal 'fwdelta: ' create - new.bin --key a.key --out none.fwd <fifo
    wait
    check 'no patch without memory' is_absent none.fwd
    head -c 400000000 /dev/zero | cat >fifo &
    expect $internal '"exit_code": 10' create - new.bin --key a.key --out none.fwd --json <fifo
    wait
    check 'JSON without memory' is_valid_json stdout
  fi
  fwdelta=$full
}

# flash_image IMAGE COPY: the whole flash of an nrf52840 with IMAGE in its slot, settings behind it.
flash_image() {
  { head -c 32768 /dev/zero | tr '\0' 'B'; cat "$1"; } >"$2"
  head -c $((1044480 - $(wc -c <"$2"))) /dev/zero | tr '\0' '\377' >>"$2"
  head -c 4096 /dev/zero | tr '\0' 'S' >>"$2"
}
# slot_holds FLASH IMAGE: and nothing outside slot and spare pages has changed.
slot_holds() {
  tail -c +32769 "$1" | head -c "$(wc -c <"$2")" | cmp - "$2" || return 1
  head -c 32768 "$1" | tr -d B | cmp - /dev/null || return 1
  tail -c 4096 "$1" | tr -d S | cmp - /dev/null
}

test_in_place_create() {
  expect $usage '--in-place needs --device' create old.bin new.bin --in-place --key a.key --out none.fwd
  expect $usage 'add --in-place' create old.bin new.bin --device nrf52840 --key a.key --out none.fwd
  expect $usage 'nrf52840' create old.bin new.bin --in-place --device no-such-board --key a.key --out none.fwd
  expect $io 'missing.json' create old.bin new.bin --in-place --device missing.json --key a.key --out none.fwd
  echo '{"name": "mine"}' >mine.json
  expect $usage 'mine.json' create old.bin new.bin --in-place --device mine.json --key a.key --out none.fwd
  cp mine.json mine
  expect $usage 'mine' create old.bin new.bin --in-place --device mine --key a.key --out none.fwd
  head -c 900000 /dev/zero >huge.bin
  expect $usage 'slot' create old.bin huge.bin --in-place --device nrf52840 --key a.key --out none.fwd
  expect $usage 'slot' create huge.bin new.bin --in-place --device nrf52840 --key a.key --out none.fwd
  expect $usage 'empty' create old.bin /dev/null --in-place --device nrf52840 --key a.key --out none.fwd
  expect $usage '--ram 1K' create old.bin new.bin --in-place --device nrf52840 --ram 1K \
    --key a.key --out none.fwd
  check 'no patch after errors' is_absent none.fwd
  expect $ok 'delta in place, needs 8K' create old.bin new.bin --in-place --device nrf52840 --key a.key \
    --counter 5 --chunk 256 --out place.fwd
  expect $ok 'needs 16K' create old.bin new.bin --in-place --device nrf52840 --ram 16K --key a.key \
    --counter 9 --out place16.fwd
  expect $ok 'full in place' create new.bin --full --in-place --device nrf52840 --key a.key --counter 6 \
    --out rescue.fwd
  expect $ok 'delta in place' create old.bin new.bin --in-place --device stm32l4 --key a.key \
    --out place-l4.fwd
}

test_in_place_info() {
  expect $ok 'slot of 864K (216 x 4K), write unit of 4 bytes, 3 spare pages of 4K' info place.fwd
  expect $ok '' info place.fwd --json
  check 'info --json in place' is_valid_json stdout
  expect_json /in_place/write_unit 4
  expect_json /in_place/spare_pages 3
  expect_json /in_place/slot_pages/0/count 216
  expect $ok '' info one.fwd --json
  expect_json /in_place null
  expect $ok 'authentic and complete' verify place.fwd --trust a.pub
  expect $ok 'made from old.bin' verify place.fwd --old old.bin --trust a.pub
  expect $ok 'authentic and complete' verify rescue.fwd --trust a.pub
  expect $ok 'made from old.bin' verify place.fwd --old old.bin --device nrf52840 --trust a.pub
  expect $base 'not the base image' verify place.fwd --old new.bin --trust a.pub
  expect $base 'not the base image' verify place.fwd --old other.bin --trust a.pub
  expect $geometry '432 x 2K' verify place.fwd --device stm32l4 --trust a.pub
  expect $geometry 'not made for updates in place' verify one.fwd --device nrf52840 --trust a.pub
  expect $signature '' verify place.fwd --trust c.pub
  flip place.fwd 600 place-damaged.fwd
  expect $malformed 'damaged or tampered' verify place-damaged.fwd --trust a.pub
  expect $malformed 'damaged or tampered' verify place-damaged.fwd --old old.bin --trust a.pub
  head -c 600 place.fwd >place-short.fwd
  expect $malformed 'truncated' verify place-short.fwd --trust a.pub
  { cat place.fwd; echo; } >place-long.fwd
  expect $malformed 'bytes follow' verify place-long.fwd --trust a.pub
}

test_in_place_apply() {
  flash_image old.bin flash.img
  cp flash.img work.img
  expect $ok 'in the slot' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub
  check 'updated in place' slot_holds work.img new.bin
  check 'the whole flash is in the file' has_size work.img 1048576
  cp work.img before.img
  expect $ok 'was there already' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub
  expect $ok '' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub --json
  expect_json /already_done true
  check 'already done: nothing written' cmp work.img before.img
  # A file that ends early is erased behind its end.
  head -c $((32768 + $(wc -c <old.bin))) flash.img >work.img
  expect $ok '' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub
  check 'padded to the whole flash' has_size work.img 1048576
  cp flash.img work.img
  expect $ok '' apply --in-place work.img - --device nrf52840 --trust a.pub <place.fwd
  check 'updated from standard input' slot_holds work.img new.bin
  cp flash.img work.img
  expect $ok '' apply --in-place work.img rescue.fwd --device nrf52840 --trust a.pub
  check 'rescued in place' slot_holds work.img new.bin
  # The rescue needs nothing of what is there.
  flash_image other.bin work.img
  expect $ok '' apply --in-place work.img rescue.fwd --device nrf52840 --trust a.pub
  check 'rescued from something else' slot_holds work.img new.bin
}

test_in_place_refusals() {
  cp flash.img work.img
  expect $usage '--in-place needs --device' apply --in-place work.img place.fwd --trust a.pub
  expect $usage 'add --in-place' apply old.bin place.fwd --device nrf52840 --trust a.pub --out none.bin
  expect $usage 'leave --out out' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub \
    --out none.bin
  expect $usage 'give FLASH and PATCH' apply --in-place place.fwd --device nrf52840 --trust a.pub
  expect $usage 'cannot be "-"' apply --in-place - place.fwd --device nrf52840 --trust a.pub
  expect $io 'missing.img' apply --in-place missing.img place.fwd --device nrf52840 --trust a.pub
  expect $base 'image of the whole flash' apply --in-place new.bin place.fwd --device nrf52840 --trust a.pub
  head -c 30000 old.bin >slot.img
  expect $usage 'of the slot alone' apply --in-place slot.img place.fwd --device nrf52840 --trust a.pub
  { cat flash.img; echo; } >long.img
  expect $usage 'image of the whole flash' apply --in-place long.img place.fwd --device nrf52840 --trust a.pub
  expect $signature '' apply --in-place work.img place.fwd --device nrf52840 --trust c.pub
  expect $target '' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub --hardware lamp
  expect $counter 'older than 6' apply --in-place work.img place.fwd --device nrf52840 --trust a.pub \
    --min-counter 6
  expect $ram 'needs 16K of RAM, 8K given' apply --in-place work.img place16.fwd --device nrf52840 \
    --trust a.pub
  expect $geometry '432 x 2K' apply --in-place work.img place-l4.fwd --device nrf52840 --trust a.pub
  expect $geometry 'not made for updates in place' apply --in-place work.img one.fwd --device nrf52840 \
    --trust a.pub
  expect $geometry 'apply --in-place' apply old.bin place.fwd --trust a.pub --out none.bin
  expect $malformed 'damaged or tampered' apply --in-place work.img place-damaged.fwd --device nrf52840 \
    --trust a.pub
  check 'refusals leave the flash alone' cmp work.img flash.img
  check 'no image' is_absent none.bin
  flash_image other.bin wrong.img
  cp wrong.img work.img
  expect $base 'does not hold the base image' apply --in-place work.img place.fwd --device nrf52840 \
    --trust a.pub
  check 'a wrong base is left alone' cmp work.img wrong.img
}

# What a cut download leaves in the file, the next run goes on with.
test_in_place_resume() {
  cp flash.img half.img
  size=$(wc -c <place.fwd)
  head -c $((size - 300)) place.fwd >fifo.tmp
  expect $malformed 'holds the update in progress' apply --in-place half.img - --device nrf52840 \
    --trust a.pub \
    <fifo.tmp
  for source in place.fwd -; do
    cp half.img work.img
    expect $ok 'resumed at byte' apply --in-place work.img $source --device nrf52840 --trust a.pub <place.fwd
    check "resumed from $source" slot_holds work.img new.bin
  done
  cp half.img work.img
  expect $in_progress 'another update is in progress' apply --in-place work.img place16.fwd \
    --device nrf52840 --ram 16K --trust a.pub
  expect $counter '' apply --in-place work.img rescue.fwd --device nrf52840 --trust a.pub --min-counter 7
  expect $signature '' apply --in-place work.img rescue.fwd --device nrf52840 --trust c.pub
  check 'the update is still in progress' cmp work.img half.img
  expect $ok '' apply --in-place work.img rescue.fwd --device nrf52840 --trust a.pub
  check 'rescued half-way' slot_holds work.img new.bin
}

test_simulate() {
  head -c 20000 old.bin >small-old.bin
  { head -c 6000 new.bin; tail -c +6100 small-old.bin; } >small-new.bin
  expect $usage '--device is required' simulate small-old.bin small-new.bin
  expect $usage 'must be none, every' simulate small-old.bin small-new.bin --device nrf52840 --cuts some
  expect $usage 'need a number' simulate small-old.bin small-new.bin --device nrf52840 --cuts random
  expect $usage 'need a number' simulate small-old.bin small-new.bin --device nrf52840 --cuts random:0
  expect $usage 'need a number' simulate small-old.bin small-new.bin --device nrf52840 --cuts every:3
  expect $usage '--source' simulate small-old.bin small-new.bin --device nrf52840 --source carrier-pigeon
  expect $io 'missing.bin' simulate missing.bin small-new.bin --device nrf52840
  expect $usage 'only one' simulate - - --device nrf52840
  expect $ok 'left alone' simulate small-old.bin small-new.bin --device nrf52840
  for source in stream stored; do
    for cuts in every random:5 nested:2; do
      expect $ok 'ended with exactly the new image' simulate small-old.bin small-new.bin --device stm32u5 \
        --source $source --cuts $cuts
    done
  done
  expect $ok '' simulate small-old.bin small-new.bin --device nrf52840 --cuts random:3 --seed 7 --json
  check 'simulate --json' is_valid_json stdout
  expect_json /ok true
  expect_json /device nrf52840
  expect_json /cuts/runs 3
  expect_json /pages/unchanged_erased 0
  expect_json /failure_count 0
  cp stdout first.json
  expect $ok '' simulate small-old.bin small-new.bin --device nrf52840 --cuts random:3 --seed 7 --json
  check 'simulate is repeatable' cmp stdout first.json
  expect $ok '' create small-old.bin small-new.bin --in-place --device nrf52840 --key a.key --out small.fwd
  expect $ok 'sent again' simulate small-old.bin small.fwd --device nrf52840 --cuts random:3
  expect $geometry '' simulate small-old.bin small.fwd --device stm32l4
  expect $geometry '' simulate old.bin one.fwd --device nrf52840
  expect $base '' simulate other.bin small.fwd --device nrf52840
  expect $base 'already' simulate small-new.bin small.fwd --device nrf52840
  expect $ram '' simulate old.bin place16.fwd --device nrf52840 --ram 8K
}

# A device that does not know after a power cut that it was updating.
test_simulate_unsafe() {
  full=$fwdelta
  fwdelta=$forgetful
  expect $ok 'left alone' simulate small-old.bin small-new.bin --device nrf52840
  expect $unsafe 'runs; first: cut' simulate small-old.bin small-new.bin --device nrf52840 --cuts random:9
  check 'the costs are shown nevertheless' grep -q '^erases' stdout
  check 'the failure is on standard error' grep -q '^fwdelta: ' stderr
  expect $unsafe '' simulate small-old.bin small-new.bin --device nrf52840 --cuts random:9 --json
  check 'and with --json as well' grep -q '^fwdelta: .* runs; first: cut' stderr
  check 'simulate --json of a failure' is_valid_json stdout
  expect_json /ok false
  expect_json /exit_code $unsafe
  expect_json /error unsafe
  expect_json /device nrf52840
  expect_json /cuts/runs 9
  check 'failures are counted' [ "$(json stdout /failure_count)" -gt 0 ]
  check 'failures are listed' grep -q 'found neither the old image ready' stdout
  fwdelta=$full
}

# What a device says goes in, and what the host says comes out.

# part_at POSITION OFFSET LENGTH: what was sent has that part of one.fwd there, and its CRC is right.
part_at() {
  tail -c +$(($1 + 1)) sent | head -c $(($3 + 11)) >part
  check 'a part begins with STX' is_equal "$(head -c 1 part | od -A n -t x1 | tr -d ' ')" 02
  check 'offset of a part' is_equal "$(od -A n -t u1 -j 1 -N 4 part | tr -s ' ')" \
    " $(($2 & 255)) $(($2 >> 8 & 255)) 0 0"
  check 'length of a part' is_equal "$(od -A n -t u1 -j 5 -N 2 part | tr -s ' ')" \
    " $(($3 & 255)) $(($3 >> 8))"
  tail -c +$(($2 + 1)) one.fwd | head -c "$3" >expected
  tail -c +8 part | head -c "$3" >content
  check 'bytes of a part' cmp content expected
  # The last 8 bytes that gzip writes are CRC-32 and length.
  tail -c +2 part | head -c $(($3 + 6)) | gzip -c | tail -c 8 | head -c 4 >expected
  tail -c 4 part >content
  check 'CRC of a part' cmp content expected
}

test_serve() {
  expect $usage '--port is required' serve one.fwd
  expect $usage 'PATCH' serve --port -
  expect $usage 'only one' serve - --port -
  expect $usage '--json' serve one.fwd --port - --json
  expect $usage 'tcp:localhost:4444' serve one.fwd --port tcp:localhost
  expect $usage 'not a serial port' serve one.fwd --port one.fwd
  expect $usage 'must be one of' serve one.fwd --port one.fwd --baud 12345
  expect $usage '' serve one.fwd --port - --timeout 0
  expect $io 'cannot open' serve one.fwd --port /dev/no-such-port
  expect $io 'cannot connect' serve one.fwd --port tcp:127.0.0.1:1
  expect $io 'missing.fwd' serve missing.fwd --port -
  expect $malformed 'not a libdelta patch' serve old.bin --port -
  expect $malformed 'truncated' serve cut.fwd --port -
  expect $io 'was closed' serve one.fwd --port -

  size=$(wc -c <one.fwd)
  printf 'noise\nfwd want 0 100\nfwd want 100 256\r\n\002\nfwd want %s 256\nfwd want %s 256\nfwd end 0\n' \
    $((size - 10)) "$size" >device
  expect $ok 'the device has the new image' serve one.fwd --port - <device
  cp stdout sent
  # Behind ENQ.
  part_at 1 0 100
  part_at 112 100 256
  part_at 379 $((size - 10)) 10
  part_at 400 "$size" 0
  check 'nothing else was sent' has_size sent 411
}

# Verdicts of devices.
test_serve_verdicts() {
  while read -r status code text; do
    printf 'fwd want 0 64\nfwd end %s\n' "$status" >device
    expect "$code" "$text" serve one.fwd --port - <device
  done <<EOF
0 $ok 64 bytes sent
38 $ok was there already
17 $malformed refused by the device
20 $signature status 20
21 $target hardware
23 $counter older than this device accepts
24 $ram RAM
25 $base refused
26 $malformed refused
35 $io flash
36 $geometry geometry
37 $in_progress another update has begun
99 $io unknown (status 99)
EOF
  printf 'fwd end 0\nfwd want 0 64\n' >device
  expect $io 'was closed' serve one.fwd --port - <device
  printf 'fwd want 5\nfwd want x 1\nfwd want 0 64 1\nfwd end\n' >device
  expect $io 'was closed' serve one.fwd --port - <device
  # It was in the midst of an update, of this patch or another.
  printf 'fwd want 300 64\nfwd end 0\n' >device
  expect $ok 'resumed at byte 300' serve one.fwd --port - <device
  printf 'fwd want 300 64\nfwd end 26\nfwd want 300 64\n' >device
  expect $in_progress 'not the update that the device has begun' serve one.fwd --port - <device
  printf 'fwd want 999999 64\n' >device
  expect $in_progress 'not the update that the device has begun' serve one.fwd --port - <device
  # It had the beginning of another one, no more.
  printf 'fwd want 300 64\nfwd end 20\nfwd want 0 64\nfwd end 0\n' >device
  expect $ok '128 bytes sent' serve one.fwd --port - <device
  printf 'fwd want 300 64\nfwd end 20\nfwd want 0 64\nfwd end 20\n' >device
  expect $signature 'refused' serve one.fwd --port - <device
  printf 'fwd want 300 64\nfwd end 35\n' >device
  expect $io 'refused' serve one.fwd --port - <device
  # A whole image replaces it.
  printf 'fwd want 300 64\nfwd end 26\nfwd want 300 64\nfwd want 0 64\nfwd end 0\n' >device
  expect $ok 'the device has the new image' serve full.fwd --port - <device
  # ENQ, a part of 64, the request to begin anew, another part of 64.
  check 'a whole image begins anew' has_size stdout $((1 + 75 + 11 + 75))
  printf 'fwd want 999999 64\nfwd want 0 64\nfwd end 0\n' >device
  expect $ok 'the device has the new image' serve full.fwd --port - <device
  printf 'fwd want 300 64\nfwd end 26\nfwd want 300 64\nfwd want 0 64\nfwd end 26\n' >device
  expect $malformed 'refused' serve full.fwd --port - <device
}

# program FUNCTIONS EDITED DATE: assembler source of functions that call each other, in a section each.
program() {
  awk -v count="$1" -v edited="$2" -v date="$3" 'BEGIN {
    state = 7
    for (i = 0; i < count; ++i) {
      printf ".section .text.f%d,\"ax\"\n.global f%d\n.type f%d,@function\nf%d:\n", i, i, i, i
      for (k = 0; k < 12; ++k) {
        state = (state * 1103515245 + 12345) % 2147483648
        printf "  movl $%d, %%eax\n  call f%d\n", state, int(state / 65536) % 40
      }
      if (i == edited) for (k = 0; k < 9; ++k) printf "  movl $%d, %%ebx\n", 123456789 * (k + 3)
      printf "  ret\n.size f%d, .-f%d\n", i, i
    }
    printf ".section .rodata\n.ascii \"built %s\"\n.long f0, f1, f2, f3\n", date
    printf ".data\n.long 1, 2, 3, 4\n"
  }'
}

# Two releases of a program: ELF, linker map, flash image, Intel HEX. Code runs where it is stored, data does
# not.
make_programs() {
  cat >program.ld <<EOF
MEMORY { flash : ORIGIN = 0x8000000, LENGTH = 256K
         ram : ORIGIN = 0x20000000, LENGTH = 64K }
SECTIONS { .text : { *(.text .text.*) } >flash
           .rodata : { *(.rodata) } >flash
           .data : { *(.data) } >ram AT>flash }
EOF
  program 40 -1 'Nov 20 2026' >old.s
  program 41 12 'Nov 22 2026' >new.s
  for name in old new; do
    as --32 $name.s -o $name.o && ld -m elf_i386 -T program.ld -Map=$name.map $name.o -o $name.elf &&
      objcopy -O binary $name.elf $name.img && objcopy -O ihex $name.elf $name.hex || return 1
  done
}

test_flatten() {
  check 'programs' make_programs
  for name in old.elf old.hex; do
    expect $ok 'at 0x8000000' flatten $name --out flat.img --force
    check "$name: as objcopy makes it" cmp flat.img old.img
  done
  expect $ok '' flatten old.hex --out flat.img --force --json
  expect_json /format 'Intel HEX'
  expect_json /address 134217728
  expect $ok '' flatten - --out - <old.hex
  check 'flatten in a pipe' cmp stdout old.img
  # Two regions.
  objcopy -I binary -O ihex --change-addresses 0x10001000 other.bin other.hex
  { grep -v '^:00000001' old.hex; cat other.hex; } >both.hex
  expect $usage 'fills 2 regions of flash: 0x8000000' flatten both.hex --out flat2.img
  check 'no output after an error' is_absent flat2.img
  expect $ok 'at 0x10001000' flatten both.hex --out flat2.img --region 0x10001004
  check 'the second region' cmp flat2.img other.bin
  expect $usage 'fills 0x8000000' flatten both.hex --out flat3.img --region 5
  expect $usage '--region' flatten both.hex --out flat3.img --region here
  expect $usage '--fill' flatten old.hex --out flat3.img --fill 256
  expect $malformed 'raw image' flatten old.bin --out flat3.img
  head -c 200 old.hex >cut.hex
  expect $malformed 'Intel HEX: not enough digits in record' flatten cut.hex --out flat3.img
  expect $ok 'warning: new.hex: the patch is for this Intel HEX file' \
    create old.hex new.hex --unsigned --out hex.fwd
  expect $ok '' apply old.hex hex.fwd --allow-unsigned --out copy.hex
  check 'Intel HEX comes out as it was' cmp copy.hex new.hex
}

# sum_of FILE NAME: of the values of that name in a JSON list, one to a line.
sum_of() { awk -v name="\"$2\":" '$1 == name { sum += $2 } END { print sum + 0 }' "$1"; }

# part FILE LIST: the lines of one list of a JSON report.
part() { awk -v begin="  \"$2\": [" '$0 == begin { on = 1 } on { print } $0 ~ /^  \]/ { on = 0 }' "$1"; }

test_explain() {
  expect $ok 'by kind' explain old.img new.img
  check 'no symbols without a map' lacks stdout 'by symbol'
  expect $ok '' explain old.img new.img --json
  patch_bytes=$(json stdout /patch_bytes)
  cp stdout explain.json
  expect $ok '' create old.img new.img --key a.key --out explained.fwd
  check 'explain knows the size of the patch' has_size explained.fwd "$patch_bytes"
  part explain.json kinds >kinds.json
  check 'kinds add up' is_equal "$(sum_of kinds.json bytes)" "$patch_bytes"
  payload=$((patch_bytes - 96 - 1 - 72))
  for list in regions causes; do
    part explain.json $list >list.json
    check "$list add up" is_equal "$(sum_of list.json bytes)" "$payload"
  done
  # What was edited is what costs, whoever names it.
  for arguments in 'old.elf new.elf' 'old.img new.img --old-map old.elf --new-map new.elf' \
    'old.img new.img --new-map new.map --old-map old.map' 'old.hex new.hex --new-map new.elf'; do
    # shellcheck disable=SC2086 # Several words.
    expect $ok 'f12' explain $arguments
    check "$arguments: the new function" grep -q 'f40 ' stdout
  done
  expect $ok '' explain old.img new.img --old-map old.elf --new-map new.elf
  check 'a function that grew' grep -q '^  f12 .*%  +45 bytes$' stdout
  check 'a new function' grep -q '^  f40 .*%  new$' stdout
  check 'sections' grep -q '^  .rodata ' stdout
  check 'the date of the build' grep -q 'of the build: Nov 22 2026$' stdout
  expect $ok ' more)' explain old.img new.img --old-map old.elf --new-map new.elf --top 1
  expect $ok 'full' explain old.img new.img --full
  expect $ok 'delta' explain old.img new.img --in-place --device nrf51822
  expect $ok 'delta' explain old.img old.img
  expect $malformed 'neither an ELF file nor a map' explain old.img new.img --new-map old.bin
  head -c 300 new.elf >cut.elf
  expect $malformed 'damaged ELF file' explain old.img new.img --new-map cut.elf
  expect $usage '--ram' explain old.img new.img --ram 1K
  expect $io '' explain old.img missing.img
}

make_images
for test in help keygen create key_warning info verify threshold sign sign_elsewhere apply apply_pipes \
  apply_refusals damage signal empty_images internal in_place_create in_place_info in_place_apply \
  in_place_refusals in_place_resume simulate simulate_unsafe serve serve_verdicts flatten explain; do
  "test_$test" </dev/null
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
