#!/bin/sh
# Fetches the source archive of a package of Debian's, for the signature check of bootloaders, and unpacks it
# in DIRECTORY; does nothing if it is there. Prints the folder that it unpacks to.
#
#   sh tools/crypto_sources.sh PACKAGE DIRECTORY     PACKAGE: bearssl (P-256, SHA-256) or tinyssh (Ed25519)
#   sh tools/crypto_sources.sh --files FOLDER        prints the sources that are needed of what is in FOLDER
#
# apt verifies the archive as it does packages: by the signature of the distribution. It works in DIRECTORY
# and leaves the machine's own lists of packages and sources alone, so it needs no root.
set -eu

usage='usage: sh tools/crypto_sources.sh PACKAGE DIRECTORY'
if [ "${1:?$usage}" = --files ]; then
  cd "${2:?$usage}"
  case $(basename "$PWD") in
    bearssl*)
      cd src
      set -- ec/ecdsa_i15_vrfy_raw.c ec/ecdsa_i15_bits.c ec/ec_prime_i15.c ec/ec_secp*.c hash/sha2small.c \
        int/i15_*.c codec/ccopy.c codec/dec32be.c codec/enc32be.c ;;
    tinyssh*)
      cd crypto
      set -- crypto_sign_ed25519.c crypto_hash_sha512.c ge25519.c fe25519.c fe.c sc25519.c verify.c \
        crypto_verify_32.c cleanup.c uint32_pack.c uint32_unpack.c ;;
  esac
  for file in "$@"; do echo "$PWD/$file"; done
  exit
fi
package=$1
directory=${2:?$usage}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
found() { find "$directory" -maxdepth 1 -type d -name "$package-*" | head -n 1; }

if [ -z "$(found)" ]; then
  command -v apt-get >/dev/null || { echo "crypto_sources.sh: this needs a Debian machine" >&2; exit 1; }
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
  if ! { run_apt update && run_apt source --download-only "$package"; }; then
    tail -n 5 "$directory/apt/log" >&2
    echo "crypto_sources.sh: the source of Debian's $package cannot be had" >&2
    exit 1
  fi
  # Debian's patches are not for what is used here.
  tar -xf "$directory/$package"_*.orig.tar.*
fi
found
