#!/bin/sh
# Prints a C header with the public key of a bootloader, as `release_key`.
#
#   sh tools/bootloader/key.sh KEY.pub
#
# KEY.pub is from `fwdelta keygen`.
set -eu
key=${1:?usage: sh tools/bootloader/key.sh KEY.pub}
read -r format algorithm numbers _ <"$key"
case "$format $algorithm" in
  'libdelta-pub p256') name=LIBDELTA_P256 ;;
  'libdelta-pub ed25519') name=LIBDELTA_ED25519 ;;
  *) echo "key.sh: $key is not a public key of fwdelta keygen" >&2; exit 1 ;;
esac
echo "/* From $(basename "$key"). */"
echo "#define RELEASE_KEY_ALGORITHM $name"
echo 'static const unsigned char release_key[] = {'
echo "$numbers" | sed 's/../0x&, /g; s/\(\(0x.., \)\{8\}\)/  \1\n/g'
echo '};'
