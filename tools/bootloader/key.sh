#!/bin/sh
# Prints a C header with the public key of a bootloader, as `release_key`.
#
#   sh tools/bootloader/key.sh KEY.pub
#
# KEY.pub is from `fwdelta keygen --algorithm p256`.
set -eu
key=${1:?usage: sh tools/bootloader/key.sh KEY.pub}
read -r format algorithm numbers _ <"$key"
if [ "$format $algorithm" != 'libdelta-pub p256' ]; then
  echo "key.sh: $key is not a P-256 public key of fwdelta keygen" >&2
  exit 1
fi
echo "/* From $(basename "$key"). */"
echo 'static const unsigned char release_key[64] = {'
echo "$numbers" | sed 's/../0x&, /g; s/\(\(0x.., \)\{8\}\)/  \1\n/g'
echo '};'
