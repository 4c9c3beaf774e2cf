#!/bin/sh
# Tests of bench/corpus.sh and bench/peers.sh: what they do when packages are wrong, gone or out of reach, and
# when programs are missing or wrong. The registry of npm and the mirror of Debian are a server of this test;
# programs that it needs and that are missing are installed.
#
#   sh tests/fetch_test.sh
#
# Prints every check that fails and "N passed, M failed"; returns 1 if any failed.
set -u
tree=$(cd "$(dirname "$0")/.." && pwd)
sh "$tree/tools/deps.sh" demo report || exit 1
command -v npm >/dev/null 2>&1 || sh "$tree/tools/deps.sh" npm || exit 1
scratch=$(mktemp -d) || exit 1
cd "$scratch" || exit 1
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
tab=$(printf '\t')
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}
check() {
  description=$1
  shift
  if "$@" >check.log 2>&1; then pass; else fail "$description"; sed 's/^/  /' check.log; fi
}
sum() { sha256sum <"$1" | cut -c 1-64; }

# --- a registry and a mirror ----------------------------------------------------------------------

mkdir -p site/pool/main/d/dev content/package
node "$tree/tests/support/file_server.mjs" site >port &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ ! -s port ] || break
  sleep 0.3
done
address=http://localhost:$(cat port)

# Images: one compressible, the next a little different.
seq 1 4000 >old.bin
seq 1 4000 | sed 's/^1234$/changed/' >new.bin

# publish NAME VERSION IMAGE: adds a version to a package of npm.
publish() {
  cp "$3" content/package/image.bin
  tar -C content --sort=name --mtime=@0 --owner=0 --group=0 -czf "site/$1-$2.tgz" package
  printf '%s"%s":{"name":"%s","version":"%s","dist":{"tarball":"%s/%s-%s.tgz"}}' \
    "$([ -f "$1.versions" ] && echo ,)" "$2" "$1" "$2" "$address" "$1" "$2" >>"$1.versions"
  printf '{"name":"%s","dist-tags":{"latest":"%s"},"versions":{%s}}' \
    "$1" "$2" "$(cat "$1.versions")" >"site/$1"
}
publish dev 1.0.0 old.bin
publish dev 1.0.1 new.bin
publish half 1.0.0 old.bin
publish half 1.0.1 new.bin
: >site/half-1.0.1.tgz.cut

# debian VERSION IMAGE
debian() {
  mkdir -p deb/DEBIAN deb/usr/share/dev
  cp "$2" deb/usr/share/dev/image.bin
  cat >deb/DEBIAN/control <<END
Package: dev
Version: $1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: test
END
  dpkg-deb --root-owner-group -b deb "site/pool/main/d/dev/dev_${1#*:}_all.deb" >/dev/null
}
debian 1:2.0-1 old.bin
debian 1:2.0-2 new.bin

# row ID SOURCE FOLDER PACKAGE OLD NEW OLD_ARCHIVE NEW_ARCHIVE PATH NEW_SHA256
row() {
  printf '%s\tmcu\tnone\tpoint\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t-\t%s\t%s\n' \
    "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" "$9" "$(sum old.bin)" "${10}"
}
old_tgz=$(sum site/dev-1.0.0.tgz)
new_tgz=$(sum site/dev-1.0.1.tgz)
old_deb=$(sum site/pool/main/d/dev/dev_2.0-1_all.deb)
new_deb=$(sum site/pool/main/d/dev/dev_2.0-2_all.deb)
old_half=$(sum site/half-1.0.0.tgz)
new_half=$(sum site/half-1.0.1.tgz)
new_image=$(sum new.bin)
image=package/image.bin
deb_image=usr/share/dev/image.bin
wrong=$(printf '%064d' 0)
{
  head -n 1 "$tree/bench/corpus.tsv"
  row npm-good npm - dev 1.0.0 1.0.1 "$old_tgz" "$new_tgz" $image "$new_image"
  row npm-wrong-archive npm - dev 1.0.0 1.0.1 "$old_tgz" "$wrong" $image "$new_image"
  row npm-wrong-image npm - dev 1.0.0 1.0.1 "$old_tgz" "$new_tgz" $image "$wrong"
  row npm-wrong-path npm - dev 1.0.0 1.0.1 "$old_tgz" "$new_tgz" package/nowhere.bin "$new_image"
  row npm-no-version npm - dev 1.0.0 1.0.7 "$old_tgz" "$wrong" $image "$new_image"
  row npm-no-package npm - nobody 1.0.0 1.0.1 "$wrong" "$wrong" $image "$new_image"
  row npm-half npm - half 1.0.0 1.0.1 "$old_half" "$new_half" $image "$new_image"
  row deb-good deb main/d/dev dev:all 1:2.0-1 1:2.0-2 "$old_deb" "$new_deb" $deb_image "$new_image"
  row deb-wrong-archive deb main/d/dev dev:all 1:2.0-1 1:2.0-2 "$old_deb" "$wrong" $deb_image "$new_image"
  row deb-no-version deb main/d/dev dev:all 1:2.0-1 1:2.0-9 "$old_deb" "$wrong" $deb_image "$new_image"
} >recipe.tsv

# --- fetching -------------------------------------------------------------------------------------

# fetch CORPUS ID [ADDRESS]
fetch() {
  npm_config_registry=${3:-$address} no_proxy=localhost NO_PROXY=localhost \
    npm_config_fetch_retry_mintimeout=10 npm_config_fetch_retry_maxtimeout=10 \
    sh "$tree/bench/corpus.sh" fetch --recipe recipe.tsv --only "$2" --debian-mirror "${3:-$address}" "$1" \
    >log 2>&1
}
# expect_failure ID TEXT [ADDRESS]: the fetch fails, says TEXT, and leaves no more than right archives.
expect_failure() {
  rm -rf corpus
  if fetch corpus "$1" "${3:-$address}"; then fail "$1: fetched"; fi
  if grep -q "$2" log && grep -q "missing: $1" log; then pass; else fail "$1: it said $(cat log)"; fi
  left=$(find corpus -type f ! -path '*/npm-cache/*' ! -name peers.tsv | grep -v "/archives/[0-9a-f]*$")
  if [ -z "$left" ]; then pass; else fail "$1 left $left"; fi
  for file in corpus/archives/*; do
    [ ! -f "$file" ] || [ "$(sum "$file")" = "$(basename "$file")" ] || fail "$1: wrong archive $file"
  done
  if [ ! -e "corpus/public/$1" ]; then pass; else fail "$1: half a pair"; fi
}

for id in npm-good deb-good; do
  check "$id can be fetched" fetch corpus-good $id
  check "$id: old image" cmp old.bin corpus-good/public/$id/old.bin
  check "$id: new image" cmp new.bin corpus-good/public/$id/new.bin
done
check 'what peers need is there' cmp "$tree/bench/results/peers.tsv" corpus-good/peers.tsv

expect_failure npm-wrong-archive 'dev 1.0.1: not what was published'
expect_failure npm-wrong-image "dev 1.0.1: $image has another SHA-256"
expect_failure npm-wrong-path 'dev 1.0.0: no package/nowhere.bin in it'
expect_failure npm-no-version 'dev 1.0.7: not published'
expect_failure npm-no-package 'nobody 1.0.0: not published'
expect_failure npm-half 'half 1.0.1: cannot be had; is there a network'
expect_failure deb-wrong-archive 'dev:all 1:2.0-2: not what was published'
expect_failure deb-no-version 'dev:all 1:2.0-9: not published'
# Nobody listens there.
expect_failure npm-good 'dev 1.0.0: cannot be had; is there a network' http://localhost:9
expect_failure deb-good 'dev:all 1:2.0-1: cannot be had; is there a network' http://localhost:9

# After a failure the rest is fetched, and what is there is not fetched again.
rm -rf corpus
fetch corpus npm-half
check 'half a fetch keeps the first archive' test -f "corpus/archives/$old_half"
rm site/half-1.0.1.tgz.cut site/half-1.0.0.tgz
check 'the fetch goes on where it was' fetch corpus npm-half
check 'and is right' cmp new.bin corpus/public/npm-half/new.bin
if grep -q '1\.0\.0' log; then fail 'the first archive was fetched again'; else pass; fi
check 'nothing is fetched when all is there' fetch corpus npm-half http://localhost:9
echo damage >>corpus/public/npm-half/old.bin
check 'a damaged image is made anew' fetch corpus npm-half http://localhost:9
check 'from the archive' cmp old.bin corpus/public/npm-half/old.bin
if fetch corpus no-such-pair; then fail 'a pair that does not exist was fetched'; fi
check 'an unknown pair is named' grep -q 'no pair' log

# --- peers ----------------------------------------------------------------------------------------

# state OUTPUT PEER
state() { awk -F '\t' -v peer="$2" '$1 == peer { print $3 }' "$1"; }
mkdir bin
cat >bin/detools <<'END'
#!/bin/sh
[ "$1" = --version ] && echo detools 9.8.7 && exit
[ "$1" = apply_patch ] && exec cp "$3" "$4"
shift $(($# - 2))
cp "$1" "$2"
END
printf '#!/bin/sh\necho broken program >&2\nexit 3\n' >bin/zucchini
for program in hdiffi hpatchi; do
  printf '#!/bin/sh\n[ "$1" = -v ] || { shift $(($# - 2)); cp "$1" "$2"; }\n' >bin/$program
done
# This one's patch is the new image itself, and applies.
printf '#!/bin/sh\n[ "$1" = -v ] && echo 1.2.3 && exit\nshift $(($# - 3)); cp "$2" "$3"\n' >bin/hdiffz
printf '#!/bin/sh\ncp "$2" "$3"\n' >bin/hpatchz
chmod +x bin/*
PATH=$scratch/bin:$PATH sh "$tree/bench/peers.sh" old.bin new.bin >peers 2>peers.log
for peer in xz zstd:19 bsdiff:debian xdelta3:9-lzma zstd:patch-from-22 rdiff hdiffz:m1-SD-lzma2 \
  detools:seq-lzma-arm-cortex-m4; do
  check "$peer is measured" test "$(state peers $peer)" = measured
done
check 'the size is that of the patch, and there is a version' \
  grep -q "^hdiffz:m1-SD-lzma2$tab.*${tab}measured$tab$(wc -c <new.bin)${tab}1.2.3" peers
check 'a right result counts' test "$(state peers detools:seq-crle)" = measured
check 'a program that fails does not count' test "$(state peers zucchini:gen-xz)" = failed
check 'and what it says is shown' grep -q 'zucchini:gen-xz: broken program' peers.log
printf '#!/bin/sh\ncase $1 in create_patch) cp "$5" "$6" ;; apply_patch) cp "$2" "$4" ;; esac\n' >bin/detools
PATH=$scratch/bin:$PATH sh "$tree/bench/peers.sh" old.bin new.bin detools:seq-crle >peers 2>peers.log
check 'a wrong result does not count' test "$(state peers detools:seq-crle)" = failed
check 'and is told' grep -q 'the result is not the new image' peers.log
check 'one peer can be asked for' test "$(wc -l <peers)" -eq 1
sh "$tree/bench/peers.sh" old.bin new.bin hdiffz:m1-SD-lzma2 >peers 2>/dev/null
command -v hdiffz >/dev/null 2>&1 ||
  check 'a missing peer is missing' grep -q "${tab}missing${tab}-${tab}-\$" peers
check 'every peer that is run has a column among those measured before' sh -c '
  sh "$1/bench/peers.sh" --list | grep -v "^rdiff$\|^zstd:19$" >list
  head -n 1 "$1/bench/results/peers.tsv" | tr "\t" "\n" | grep -vxf - list && exit 1 || exit 0' - "$tree"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
