#!/usr/bin/env bash
# check.sh: what CI runs. Builds everything in build/, the unit tests once more with ASan and UBSan
# in build/asan, then runs one ctest over all of it: house rules, unit tests plain and sanitized,
# command-line cases and end-to-end tests. ctest's summary is the last thing printed.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

phase() { # NAME COMMAND…
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "== $name: $((SECONDS - start)) s"
}

configure() { # PRESET OPTION…
  cmake --preset "$@" --log-level=WARNING
}

phase "configure" configure default -DNIMBUS_CHECK=ON
# The same Rust library for both: each takes minutes.
rust_lto=$(sed -n 's/^NIMBUS_RUST_LTO:BOOL=//p' build/CMakeCache.txt)
phase "configure asan" configure asan -DNIMBUS_RUST_LTO="$rust_lto"
phase "build" cmake --build build -j "$jobs"
phase "build asan" cmake --build build/asan -j "$jobs" --target nimbus_unit_tests
# Warmed up here, judged below: both compile much the first time.
phase "clippy" scripts/lint.sh clippy || true
phase "rust tests" scripts/build-rust.sh --test || true
phase "guests" scripts/build-guests.sh build/guests
phase "interop" scripts/build-interop.sh build/interop

echo "== tests"
exec ctest --test-dir build --output-on-failure -j 2 --timeout 600 -LE long </dev/null
