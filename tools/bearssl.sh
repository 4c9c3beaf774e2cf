#!/bin/sh
# Fetches the source archive of Debian's package bearssl, for the signature check of bootloaders, and unpacks
# it in DIRECTORY; does nothing if it is there. Prints the directory that has inc/ and src/.
#
#   sh tools/bearssl.sh DIRECTORY
#   sh tools/bearssl.sh --files BEARSSL     prints the sources that ECDSA P-256 and SHA-256 need
#
# apt verifies the archive as it does packages: by the signature of the distribution. It works in DIRECTORY
# and leaves the machine's own lists of packages and sources alone, so it needs no root.
set -eu

if [ "${1:-}" = --files ]; then
  cd "${2:?usage: sh tools/bearssl.sh --files BEARSSL}/src"
  ls -d "$PWD"/ec/ecdsa_i15_vrfy_raw.c "$PWD"/ec/ecdsa_i15_bits.c "$PWD"/ec/ec_prime_i15.c "$PWD"/ec/ec_secp*.c \
    "$PWD"/hash/sha2small.c "$PWD"/int/i15_*.c "$PWD"/codec/ccopy.c "$PWD"/codec/dec32be.c "$PWD"/codec/enc32be.c
  exit
fi
directory=${1:?usage: sh tools/bearssl.sh DIRECTORY}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
found() { ls -d "$directory"/bearssl-*/inc 2>/dev/null | head -n 1; }

if [ -z "$(found)" ]; then
  command -v apt-get >/dev/null || { echo "bearssl.sh: this needs a Debian machine" >&2; exit 1; }
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # The mirror that the machine uses for its packages.
  mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $codename" 'Component: main' 2>/dev/null |
    head -n 1)
  mkdir -p "$directory/apt/lists/partial" "$directory/apt/cache/archives/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
    "${mirror:-http://deb.debian.org/debian} $codename main" >"$directory/apt/sources.list"
  run_apt() {
    apt-get -q -o Dir::Etc::SourceList="$directory/apt/sources.list" -o Dir::Etc::SourceParts=- \
      -o Dir::State::Lists="$directory/apt/lists" -o Dir::Cache="$directory/apt/cache" \
      -o APT::Sandbox::User="$(id -un)" "$@" >"$directory/apt/log" 2>&1
  }
  cd "$directory"
  if ! { run_apt update && run_apt source --download-only bearssl; }; then
    tail -n 5 "$directory/apt/log" >&2
    echo "bearssl.sh: the source of Debian's bearssl cannot be had" >&2
    exit 1
  fi
  # Debian has no patches for it.
  tar -xf "$directory"/bearssl_*.orig.tar.*
fi
dirname "$(found)"
