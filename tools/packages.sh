# Fetches archives of published packages, for scripts that source this file; each is used only if its
# SHA-256 is the expected one. Registry and mirror are those that this machine's npm and apt are set up for.
# Functions with ( ) around their body have variables of their own.
# shellcheck shell=sh

# matches FILE SHA256
matches() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]; }

# fetch_npm NAME VERSION FILE LOG
fetch_npm() (
  scratch=$(mktemp -d "$3.XXXXXX")
  npm pack --loglevel error --fetch-retries 1 --cache "$(dirname "$3")/npm-cache" \
    --pack-destination "$scratch" "$1@$2" >"$4" 2>&1 && mv "$scratch"/*.tgz "$3"
  result=$?
  rm -rf "$scratch"
  return $result
)

# fetch_deb PACKAGE VERSION FOLDER FILE LOG: PACKAGE is name:architecture, FOLDER where it is in a mirror's
# pool. Looks in $DEBIAN_MIRROR, or in all mirrors of this machine.
fetch_deb() (
  # A version's epoch is not part of the name.
  name=${1%:*}_${2#*:}_${1#*:}.deb
  mirrors=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sort -u)}
  : >"$5"
  # Archives of security updates have a folder more.
  for pool in $(printf '%s/pool\n' $mirrors) $(printf '%s/pool/updates\n' $mirrors); do
    /usr/lib/apt/apt-helper -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=1 \
      download-file "$pool/$3/$name" "$4" >>"$5" 2>&1 && return 0
    rm -f "$4"
  done
  return 1
)

# fetch_package SOURCE FOLDER PACKAGE VERSION SHA256 CACHE: makes CACHE/SHA256 out of a package of npm or
# Debian (SOURCE: npm or deb; FOLDER as above, or -). Says on standard error what is wrong if it fails.
fetch_package() (
  archive=$6/$5
  matches "$archive" "$5" && return 0
  mkdir -p "$6"
  rm -f "$archive" "$archive".part*
  echo "fetching $3 $4 ($1)" >&2
  log=$archive.part.log
  case $1 in
    npm)
      if ! command -v npm >/dev/null 2>&1; then
        echo "$3 $4: npm is not installed (sh tools/deps.sh npm)" >&2
        return 1
      fi
      fetch_npm "$3" "$4" "$archive.part" "$log" ;;
    deb)
      [ -x /usr/lib/apt/apt-helper ] || { echo "$3 $4: only a Debian machine can fetch it" >&2; return 1; }
      fetch_deb "$3" "$4" "$2" "$archive.part" "$log" ;;
  esac
  if [ ! -f "$archive.part" ]; then
    if grep -Eqi 'E404|ETARGET|404 +not found|no matching version' "$log"; then
      echo "$3 $4: not published (any more)" >&2
    else
      echo "$3 $4: cannot be had; is there a network? The last it said:" >&2
      grep -v '^$' "$log" | grep -v 'complete log\|debug-0' | tail -n 3 | sed 's/^/  /' >&2
    fi
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  if ! matches "$archive.part" "$5"; then
    echo "$3 $4: not what was published: its SHA-256 is $(sha256sum <"$archive.part" | cut -c 1-64)," \
      "not $5; not used" >&2
    rm -f "$archive.part"
    return 1
  fi
  mv "$archive.part" "$archive"
)

# unpack_file SOURCE ARCHIVE PATH FORM FILE: writes one file of an archive, or all that match PATH one after
# the other. FORM is what becomes of it:
#   -           nothing
#   unzip:NAME  it is a zip archive; NAME in it
#   ihex:LIMIT  it is Intel HEX; the memory it describes, as far as its addresses' upper 16 bits are below
#               LIMIT (four hexadecimal digits); gaps are erased flash
#   strip-ff    without the erased flash at its end
unpack_file() (
  case $1 in
    npm) gzip -dc "$2" >"$5.tar" ;;
    deb) dpkg-deb --fsys-tarfile "$2" >"$5.tar" ;;
  esac || { rm -f "$5.tar"; return 1; }
  tar -xOf "$5.tar" --wildcards "$3" >"$5.file" 2>/dev/null ||
    tar -xOf "$5.tar" --wildcards "./$3" >"$5.file" || { rm -f "$5.tar" "$5.file"; return 1; }
  result=0
  case $4 in
    -) mv "$5.file" "$5" ;;
    unzip:*) unzip -q -p "$5.file" "${4#unzip:}" >"$5" || result=1 ;;
    ihex:*)
      awk -v limit="${4#ihex:}" '/^:02000004/ { far = substr($0, 10, 4) >= limit } !far' "$5.file" >"$5.hex"
      objcopy -I ihex -O binary --gap-fill 0xff "$5.hex" "$5" || result=1 ;;
    strip-ff) LC_ALL=C sed -z '$ s/\xff*$//' "$5.file" >"$5" || result=1 ;;
    *) result=1 ;;
  esac
  rm -f "$5.tar" "$5.file" "$5.hex"
  return $result
)
