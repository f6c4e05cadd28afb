#!/usr/bin/env bash
# build-interop.sh [--long] OUTDIR: builds the providers and clients in other languages that the
# tests in tests/interop run, into OUTDIR: those in Go, with --long also those in Rust. Each result
# is kept in the user's cache folder under the hash of its sources and compiler.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
source "$root/scripts/toolchain.sh"
cache=$NIMBUS_CACHE
source "$root/scripts/guest-tools.sh"

# The last version that has NATS.
wrpc_wasmtime_version=0.17.0

hash_of() { # TEXT FOLDER…
  local text=$1
  shift
  (
    cd "$root"
    echo "$text"
    [ $# -eq 0 ] || find "$@" -name target -prune -o -type f ! -name README.md -print0 |
      LC_ALL=C sort -z | xargs -0 --no-run-if-empty sha256sum
  ) | sha256sum | cut -c1-32
}

# provide NAME HASH COMMAND…: the command makes the file that is given to it as last argument.
provide() {
  local name=$1 kept=$cache/interop/$1-$2
  shift 2
  if [ ! -e "$kept" ]; then
    "$@" "$kept.$$"
    mv "$kept.$$" "$kept"
    find "$cache/interop" -maxdepth 1 -type f -mtime +60 -delete
  fi
  cp "$kept" "$output/$name.$$"
  mv "$output/$name.$$" "$output/$name"
}

build_go() { # FOLDER OUTPUT
  need_go
  (cd "$root/$1" && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' \
    "$go" build -trimpath -ldflags='-s -w' -o "$2" .)
}

# The program that a page writes down, with the parts of an example that it says to copy.
build_go_page() { # PAGE EXAMPLE OUTPUT
  need_go
  local work
  work=$(mktemp -d)
  cp "$root/$2"/{go.mod,go.sum,transports.go,values.go} "$work"
  awk '/^`main\.go`:$/ { found = 1 } /^```$/ { if (inside) exit } inside { print }
    found && /^```go$/ { inside = 1 }' "$root/$1" >"$work/main.go"
  (cd "$work" && "$go" mod edit -module prices &&
    GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' "$go" build -o "$3" .)
  rm -r "$work"
}

build_rust() { # FOLDER OUTPUT
  (
    cd "$root/$1"
    CARGO_TARGET_DIR=$cache/interop-target "$CARGO" build --quiet --release --locked
    cp "$cache/interop-target/release/$(basename "$1")" "$2"
  )
}

# The bridge between components and wRPC, as it is published; it brings a Wasmtime of its own.
# Unoptimized, which takes a third of the time.
build_wrpc_wasmtime() { # OUTPUT
  local work=$cache/interop-wrpc-wasmtime
  CARGO_PROFILE_DEV_DEBUG=0 "$CARGO" install --quiet --locked --debug --force \
    "wrpc@$wrpc_wasmtime_version" --no-default-features --features bin-wasmtime,nats \
    --bin wrpc-wasmtime --target-dir "$work" --root "$work/installed"
  mv "$work/installed/bin/wrpc-wasmtime" "$1"
  rm -r "$work"
}

build_command() { # FOLDER OUTPUT
  need_wasm_tools
  "$wasm_tools" component embed "$root/$1/wit" --world command "$root/$1/command.wat" -o "$2.core"
  "$wasm_tools" component new "$2.core" -o "$2"
  rm "$2.core"
}

provide_rust() { # FOLDER WIT
  provide "${1##*/}" "$(hash_of "$("$RUSTC" --version)" "$1" "$2")" build_rust "$1"
}

main() {
  local scope=quick
  if [ "${1:-}" = --long ]; then
    scope=long
    shift
  fi
  [ $# = 1 ] || die "usage: build-interop.sh [--long] OUTDIR"
  mkdir -p "$1" "$cache/interop"
  output=$(cd "$1" && pwd)
  exec 9>"$cache/interop/.lock"
  flock 9
  local provider=examples/providers/keyvalue-go client=tests/interop/go-client
  local module=tests/interop/go-module
  provide keyvalue-go "$(hash_of "$go_version" $provider)" build_go $provider
  provide go-client "$(hash_of "$go_version" $client)" build_go $client
  local page=docs/providers/go.md
  provide prices-go "$(hash_of "$go_version" $page $provider)" build_go_page $page $provider
  provide wrpc-go "$(hash_of "$go_version" $module)" build_go $module
  [ "$scope" = long ] || return 0
  provide_rust examples/providers/keyvalue-rust wit/wrpc-keyvalue
  provide_rust tests/interop/rust-client wit/wrpc-keyvalue
  provide_rust tests/interop/wrpc-rust tests/interop/wit
  local command=tests/interop/peer-command
  provide peer-command "$(hash_of "$wasm_tools_version" $command)" build_command $command
  provide wrpc-wasmtime "$(hash_of "$wrpc_wasmtime_version $("$RUSTC" --version)")" \
    build_wrpc_wasmtime
}

main "$@"
