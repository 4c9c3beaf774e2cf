#!/bin/sh
# Pairs of real releases that anyone can download, for measuring: bench/corpus.tsv says in which version of
# which package of npm or Debian each image is, and the SHA-256 of package and image.
#
#   sh bench/corpus.sh fetch [OPTION...] [DIR]    makes DIR/public/ID/{old,new}.bin, and DIR/peers.tsv with
#                                                 what peers need for them (bench/results/peers.tsv)
#   sh bench/corpus.sh list [OPTION...]           prints the rows of corpus.tsv that would be fetched
#     --class mcu|linux|data     only these; default: all
#     --only TEXT                only where the name has TEXT in it
#     --recipe FILE              another table
#     --debian-mirror URI        instead of the mirrors that apt uses
#
# DIR is build/corpus unless given. What is there and right is not fetched again, so an interrupted fetch
# goes on where it was. Fails if a pair cannot be had, after fetching the others: Debian's mirrors only
# keep the versions of current releases.
set -eu
here=$PWD
cd "$(dirname "$0")/.."
. tools/packages.sh

usage() {
  sed -n '2,16s/^# \{0,1\}//p' bench/corpus.sh >&2
  exit 2
}
die() {
  echo "corpus.sh: $*" >&2
  exit 1
}

command=${1:-}
case $command in fetch | list) shift ;; *) usage ;; esac
class=
only=
recipe=bench/corpus.tsv
corpus=build/corpus
# In the folder where the command was given.
absolute() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }
while [ $# -gt 0 ]; do
  case $1 in
    --class | --only | --recipe | --debian-mirror)
      [ $# -ge 2 ] || usage
      case $1 in
        --class) class=$2 ;;
        --only) only=$2 ;;
        --recipe) recipe=$(absolute "$2") ;;
        --debian-mirror) DEBIAN_MIRROR=$2 ;;
      esac
      shift 2 ;;
    -*) usage ;;
    *)
      [ $# -eq 1 ] || usage
      corpus=$(absolute "$1")
      shift ;;
  esac
done

# The rows asked for, with - for empty fields.
rows() {
  awk -F '\t' -v class="$class" -v only="$only" \
    'NR > 1 && (class == "" || $2 == class) && index($1, only)' "$recipe"
}
[ -f "$recipe" ] || die "no table $recipe"
[ -n "$(rows)" ] || die "no pair in $recipe is like that"
if [ "$command" = list ]; then
  rows
  exit 0
fi

archives=$corpus/archives
mkdir -p "$archives"
scratch=$(mktemp -d "$corpus/fetching.XXXXXX")
trap 'rm -rf "$scratch" "$archives"/*.part*' EXIT
trap 'exit 1' HUP INT TERM

# image SOURCE FOLDER PACKAGE VERSION ARCHIVE_SHA256 PATH FORM SHA256 FILE
image() {
  matches "$9" "$8" && return 0
  # Several pairs come from one archive: one message about it is enough.
  case $not_had in *" $5 "*) return 1 ;; esac
  if ! fetch_package "$1" "$2" "$3" "$4" "$5" "$archives"; then
    not_had="$not_had $5 "
    return 1
  fi
  if ! unpack_file "$1" "$archives/$5" "$6" "$7" "$scratch/image"; then
    echo "$3 $4: no $6 in it, or not as expected" >&2
    return 1
  fi
  if ! matches "$scratch/image" "$8"; then
    echo "$3 $4: $6 has another SHA-256 than $8; not used" >&2
    return 1
  fi
  mv "$scratch/image" "$9"
}

tab=$(printf '\t')
had=0
missing=
not_had=
# shellcheck disable=SC2034 # $pair_class, $isa and $kind are columns.
while IFS=$tab read -r id pair_class isa kind source folder package old_version new_version old_archive \
  new_archive old_path new_path form old_sha256 new_sha256; do
  pair=$corpus/public/$id
  mkdir -p "$pair"
  if image "$source" "$folder" "$package" "$old_version" "$old_archive" "$old_path" "$form" "$old_sha256" \
    "$pair/old.bin" &&
    image "$source" "$folder" "$package" "$new_version" "$new_archive" "$new_path" "$form" "$new_sha256" \
      "$pair/new.bin"; then
    had=$((had + 1))
  else
    missing="$missing $id"
    rm -rf "$pair"
  fi
done <<END
$(rows)
END
[ ! -f bench/results/peers.tsv ] || cp bench/results/peers.tsv "$corpus/peers.tsv"
echo "$had pairs in $corpus/public" >&2
[ -z "$missing" ] || die "missing:$missing"
