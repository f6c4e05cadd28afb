#!/usr/bin/env bash
# check-long.sh: what is too slow for every change: each fuzz target for a minute from its corpus,
# all unit tests under TSan, all guests, foreign peers in Rust, and the long
# end-to-end tests. One ctest at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

configure() { # FOLDER OPTION…
  local folder=$1
  shift
  cmake -S . -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER=clang++-22 "$@" --log-level=WARNING
}

configure build -DNIMBUS_LONG=ON
configure build/fuzz -DNIMBUS_SANITIZER=address -DNIMBUS_FUZZ=ON
# The same Rust library where it can be: each takes minutes.
rust_lto=-DNIMBUS_RUST_LTO=$(sed -n 's/^NIMBUS_RUST_LTO:BOOL=//p' build/CMakeCache.txt)
configure build/tsan -DNIMBUS_SANITIZER=thread "$rust_lto"
cmake --build build -j "$jobs"
cmake --build build/fuzz -j "$jobs" --target nimbus_fuzz_targets
cmake --build build/tsan -j "$jobs" --target nimbus_unit_tests
scripts/build-guests.sh --all build/guests
scripts/build-interop.sh --long build/interop

exec ctest --test-dir build --output-on-failure -j 2 -L long </dev/null
