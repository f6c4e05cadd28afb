#!/usr/bin/env bash
# build-rust.sh [OUTPUT]: builds the Rust static library into the user's cache folder, and copies it
# to OUTPUT. It is kept under the hash of its sources, lock file and compiler, so that a fresh clone
# on the same machine does not build Wasmtime again. build-rust.sh --test runs its own tests,
# --test-long those that take a minute; --bench FILE builds what bench/calls.py compares with.
#
# With NIMBUS_RUST_LTO=ON it is compiled as a whole. Wasmtime and its WASI crates call each other
# for every step of a request, and are worth a fifth more so; it takes minutes at each change.
#
# With NIMBUS_RUST_FUZZ=ON it has what fuzz targets call, and tells libFuzzer, which the program
# then has to be linked with, where it goes.
set -euo pipefail
output=${1:-}
lto=${NIMBUS_RUST_LTO:-OFF}
fuzz=${NIMBUS_RUST_FUZZ:-OFF}
case $output in --*) lto=OFF fuzz=OFF ;; esac
[ "$fuzz" = OFF ] || lto=OFF # minutes for a program that instructions of its own slow down
start=$PWD
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/toolchain.sh"

kept_folder=$NIMBUS_CACHE/rust
export CARGO_TARGET_DIR=$NIMBUS_CACHE/cargo-target
lock=$kept_folder/lock
if [ "$lto" = ON ]; then
  CARGO_TARGET_DIR+=-lto
  lock+=-lto
  export CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
fi
mkdir -p "$kept_folder"

# Of this crate alone, with what it makes of generic code of Wasmtime.
coverage=(-Cpasses=sancov-module -Coverflow-checks=on)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=("-Cllvm-args=-sanitizer-coverage-$option")
done

inputs_hash() {
  (
    cd "$root/src/rust"
    find src build.rs Cargo.toml Cargo.lock -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    "$RUSTC" --version --verbose
    [ "$lto" = OFF ] || echo "lto $lto"
    [ "$fuzz" = OFF ] || echo "fuzz ${coverage[*]}"
  ) | sha256sum | cut -c1-32
}

# Cargo takes the same crate in two clones for one, and judges by the time of files whether it is
# built: the other clone's library would be taken for ours.
forget_crate() {
  rm -rf "$CARGO_TARGET_DIR"/release/.fingerprint/nimbus_engine-*
}

build() { # KEPT HASH
  forget_crate
  if [ "$fuzz" = ON ]; then
    (cd "$root/src/rust" &&
      "$CARGO" rustc --release --locked --lib --features fuzz -- "${coverage[@]}")
  else
    (cd "$root/src/rust" && "$CARGO" build --release --locked)
  fi
  [ "$(inputs_hash)" = "$2" ] || {
    echo "the sources changed while they were built: build again" >&2
    exit 1
  }
  cp "$CARGO_TARGET_DIR/release/libnimbus_engine.a" "$1.partial"
  mv "$1.partial" "$1"
  # Keep the eight newest: each is over a hundred megabytes.
  ls -t "$kept_folder"/*.a | tail -n +9 | xargs -r rm -f
}

give() { # KEPT
  touch "$1" # the least recently used goes first
  [ -n "$output" ] || return 0
  mkdir -p "$(dirname "$output")"
  cp --reflink=auto "$1" "$output.partial"
  mv "$output.partial" "$output"
}

# What is there is given without waiting for whoever builds another.
if [[ "$output" != --* ]]; then
  hash=$(inputs_hash)
  kept=$kept_folder/$hash.a
  [ ! -f "$kept" ] || { give "$kept" && exit 0; }
fi

# One at a time on this machine: cargo's folder is shared; whoever comes second finds the result.
exec 9>"$lock"
flock 9
if [[ "$output" == --test* ]]; then
  forget_crate
  cd "$root/src/rust"
  chosen=()
  [ "$output" = --test ] || chosen=(--lib -- --ignored)
  exec "$CARGO" test --release --locked "${chosen[@]}"
fi
if [ "$output" = --bench ]; then
  forget_crate
  cd "$root/src/rust"
  program=$("$CARGO" build --release --locked --bench typed_calls --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/typed_calls-[^"]*\)".*/\1/p')
  cd "$start"
  mkdir -p "$(dirname "$2")"
  cp "$program" "$2"
  exit 0
fi
[ -f "$kept" ] || build "$kept" "$hash"
give "$kept"
