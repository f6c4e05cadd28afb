#!/usr/bin/env bash
# lint.sh: all house rules that need no build. With names, only these: format clippy layering tidy.
# lint.sh --fix rewrites the sources in the house format instead.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/toolchain.sh

cxx_sources() {
  find src bench tests -type d \( -name target -o -name generated -o -name gen \) -prune -o \
    -type f \( -name '*.cc' -o -name '*.h' \) -print0
}

format() {
  cxx_sources | xargs -0 -r clang-format-22 "$@"
}

rustfmt() { # [--check]
  (cd src/rust && "$CARGO" fmt "$@")
}

# Under the lock of build-rust.sh, which forgets what was made of the crate before.
clippy() {
  mkdir -p "$NIMBUS_CACHE/rust"
  (exec 9>"$NIMBUS_CACHE/rust/lock" && flock 9 &&
    cd src/rust && CARGO_TARGET_DIR=$NIMBUS_CACHE/cargo-target \
    "$CARGO" clippy --release --locked --quiet --all-targets --all-features -- -D warnings)
}

if [ "${1:-}" = --fix ]; then
  format -i
  rustfmt
  exit
fi

[ $# -gt 0 ] || set -- format layering tidy
for rule in "$@"; do
  case $rule in
    format)
      format --dry-run -Werror
      rustfmt --check
      ;;
    clippy) clippy ;;
    layering) python3 -B tests/layering/layering.py ;;
    tidy) python3 -B tests/tidy/tidy.py ;;
    *) echo "lint.sh: no rule \"$rule\" (format clippy layering tidy)" >&2 && exit 2 ;;
  esac
done
