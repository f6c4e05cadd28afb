#!/usr/bin/env bash
# check-long.sh: what is too slow for every change: each fuzz target for a minute from its corpus,
# all unit tests under TSan, all guests, foreign peers in Rust, and the long
# end-to-end tests. One ctest at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

configure() { # PRESET OPTION…
  cmake --preset "$@" --log-level=WARNING
}

configure default -DNIMBUS_LONG=ON
configure fuzz
# The same Rust library where it can be: each takes minutes.
rust_lto=-DNIMBUS_RUST_LTO=$(sed -n 's/^NIMBUS_RUST_LTO:BOOL=//p' build/CMakeCache.txt)
configure tsan "$rust_lto"
cmake --build build -j "$jobs"
cmake --build build/fuzz -j "$jobs" --target nimbus_fuzz_targets
cmake --build build/tsan -j "$jobs" --target nimbus_unit_tests
scripts/build-guests.sh --all build/guests
scripts/build-interop.sh --long build/interop

exec ctest --test-dir build --output-on-failure -j 2 -L long </dev/null
