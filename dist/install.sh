#!/bin/sh
# install.sh: installs a release of wash on Linux, for the user who runs it.
#
#   install.sh --base-url https://downloads.example/wash [--version 0.1.0] [--no-modify-path]
#
# The program goes to $INSTALL_DIR (default ~/.wash/bin), its libraries to the folder lib beside
# that. The archive is taken only if it has the SHA-256 that the release says, and, if WASH_SHA256
# is set, that one. Environment: WASH_BASE_URL, WASH_VERSION, WASH_SHA256, INSTALL_DIR.
set -eu

fail() {
  echo "install: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
}

base=${WASH_BASE_URL:-}
version=${WASH_VERSION:-}
modify_path=yes
while [ $# -gt 0 ]; do
  case $1 in
    --base-url | --version)
      [ $# -ge 2 ] || fail "$1 wants a value"
      if [ "$1" = --version ]; then version=$2; else base=$2; fi
      shift
      ;;
    --base-url=*) base=${1#*=} ;;
    --version=*) version=${1#*=} ;;
    --no-modify-path) modify_path=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown argument \"$1\" (--help lists them)" ;;
  esac
  shift
done

[ -n "$base" ] || fail "say where releases are: --base-url URL, or WASH_BASE_URL"
base=${base%/}
# Whoever can change what comes over plain HTTP can change its checksum too.
case $base in
  https://* | file:///*) ;;
  http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) ;;
  *) fail "$base: the address must begin with https:// (or http:// of this machine)" ;;
esac
command -v curl >/dev/null || fail "curl is missing: apt-get install curl"

[ "$(uname -s)" = Linux ] || fail "there are releases for Linux only, not for $(uname -s)"
machine=$(uname -m)
[ "$machine" = x86_64 ] || fail "there are no releases for $machine"
platform=$machine-linux

work=$(mktemp -d)
staged=
trap 'rm -rf "$work" ${staged:+"$staged"}' EXIT
trap 'exit 130' INT TERM

download() { # PATH FILE: at most 512 MiB
  curl --fail --silent --show-error --location --proto '=https,http,file' \
    --proto-redir '=https' --retry 3 --connect-timeout 20 --max-filesize 536870912 \
    --output "$2" "$base/$1" || fail "cannot download $base/$1"
}

if [ -z "$version" ]; then
  download latest "$work/latest"
  version=$(head -c 100 "$work/latest")
fi
version=${version#v}
case $version in
  *[!0-9A-Za-z.+-]* | *..* | "") fail "\"$version\" is not a version" ;;
  [0-9]*.[0-9]*.[0-9]*) ;;
  *) fail "\"$version\" is not a version" ;;
esac

name=wash-$version-$platform
download "$version/SHA256SUMS-$platform" "$work/sums"
wanted=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\.tar\.gz\$/\1/p" "$work/sums")
[ -n "$wanted" ] || fail "the release has no checksum of $name.tar.gz"
download "$version/$name.tar.gz" "$work/archive"
found=$(sha256sum "$work/archive" | cut -d ' ' -f 1)
[ "$found" = "$wanted" ] || fail "$name.tar.gz is damaged or forged: SHA-256 $found, not $wanted"
if [ -n "${WASH_SHA256:-}" ] && [ "$found" != "$WASH_SHA256" ]; then
  fail "$name.tar.gz has SHA-256 $found, not $WASH_SHA256 as WASH_SHA256 wants"
fi

mkdir "$work/files"
tar -xzf "$work/archive" -C "$work/files" --no-same-owner
root=$work/files/$name
[ -f "$root/bin/wash" ] && [ -d "$root/lib/wash-$version" ] ||
  fail "$name.tar.gz is not a release of wash $version"

bin=${INSTALL_DIR:-$HOME/.wash/bin}
mkdir -p "$bin" || fail "cannot make $bin"
bin=$(cd "$bin" && pwd -P)
lib=$(dirname "$bin")/lib
mkdir -p "$lib" || fail "cannot make $lib"
[ -w "$bin" ] && [ -w "$lib" ] || fail "cannot write to $bin and $lib"

# Whole before it is in place, and tried there: files beside it are renamed.
staged=$(mktemp -d "$(dirname "$bin")/.wash.XXXXXX")
mkdir "$staged/bin" "$staged/lib"
cp -R "$root/lib/wash-$version" "$staged/lib/"
cp "$root/bin/wash" "$staged/bin/wash"
"$staged/bin/wash" --version >"$work/said" 2>&1 ||
  fail "wash $version does not run here: $(cat "$work/said")"
rm -rf "$lib/wash-$version"
mv "$staged/lib/wash-$version" "$lib/wash-$version"
mv -f "$staged/bin/wash" "$bin/wash"
echo "install: wash $version is $bin/wash"

case :$PATH: in
  *:"$bin":*) exit 0 ;;
esac
if [ "$modify_path" = no ]; then
  echo "install: $bin is not on PATH"
  exit 0
fi
profile=$HOME/.profile
line="export PATH=\"$bin:\$PATH\""
if ! grep -qxF "$line" "$profile" 2>/dev/null; then
  printf '\n# wash\n%s\n' "$line" >>"$profile"
fi
echo "install: $profile puts $bin on PATH from the next login on"
