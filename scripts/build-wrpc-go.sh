#!/usr/bin/env bash
# build-wrpc-go.sh OUTDIR
#
# Builds the peer tests/interop/go-module/tcp, on wRPC's own Go module, into OUTDIR/wrpc-go-tcp.
# Kept in the user's cache folder under the hash of its sources and the version of Go. Exit status
# 77: the module is not to be had here. NIMBUS_WRPC_GO names a folder with its source, for where
# the registry of Go modules does not have it.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
source "$root/scripts/toolchain.sh"
cache=$NIMBUS_CACHE
source "$root/scripts/guest-tools.sh"

readonly unavailable=77

# hash_of FOLDER: of all its files, and of what builds them.
hash_of() {
  (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    echo "$go_version" && sha256sum <"$root/scripts/build-wrpc-go.sh") | sha256sum | cut -c 1-32
}

# build_go FOLDER RESULT
build_go() {
  need_go
  cp -r "$1" "$work/go"
  cd "$work/go"
  export GOFLAGS=-mod=mod GOTOOLCHAIN=local
  if [ -n "${NIMBUS_WRPC_GO:-}" ]; then
    "$go" mod edit -replace "wrpc.io/go=$NIMBUS_WRPC_GO"
    cp "$NIMBUS_WRPC_GO/go.sum" .
  elif ! "$go" mod download wrpc.io/go; then
    echo "build-wrpc-go: the Go module wrpc.io/go is not to be had here; skipped" >&2
    exit "$unavailable"
  fi
  CGO_ENABLED=0 "$go" build -trimpath -ldflags='-s -w' -o "$2" .
}

main() {
  [ $# = 1 ] || die "usage: build-wrpc-go.sh OUTDIR"
  mkdir -p "$1" "$cache/interop"
  output=$(cd "$1" && pwd)
  exec 9>"$cache/interop/.lock"
  flock 9
  local sources=$root/tests/interop/go-module/tcp kept
  kept=$cache/interop/wrpc-go-tcp-$(hash_of "$sources")
  if [ ! -e "$kept" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (build_go "$sources" "$kept.$$")
    mv "$kept.$$" "$kept"
  fi
  cp "$kept" "$output/wrpc-go-tcp.$$"
  mv "$output/wrpc-go-tcp.$$" "$output/wrpc-go-tcp"
}

main "$@"
