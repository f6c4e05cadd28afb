#!/usr/bin/env bash
# check-fuzz.sh BUILD TARGET [SECONDS]: runs one fuzz target, a minute unless told, from the corpus
# tests/fuzz/corpus/TARGET. New inputs stay in BUILD/corpus, inputs that fail in BUILD/findings.
set -euo pipefail
build=$1 target=$2 seconds=${3:-60}
corpus=$(cd "$(dirname "$0")/.." && pwd)/tests/fuzz/corpus/$target
learned=$build/corpus/$target
mkdir -p "$learned" "$build/findings"
[ -n "$(ls -A "$corpus" 2>/dev/null)" ] || { echo "$target has no corpus: $corpus" >&2 && exit 1; }
exec "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
  -print_final_stats=1 -artifact_prefix="$build/findings/$target-" "$learned" "$corpus"
