# shellcheck shell=bash
# Sourced by the other scripts: where things are kept, and which Rust to use: a cargo of at least
# 1.95 on PATH, else Debian's rustc-web and cargo-web.
NIMBUS_CACHE=${NIMBUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nimbus}
export NIMBUS_CACHE

pick_rust() {
  local version
  version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  CARGO=/usr/bin/cargo
  RUSTC=/usr/bin/rustc
  if [ -n "$version" ] && command -v rustc >/dev/null &&
    { [ "${version% *}" -gt 1 ] || [ "${version#* }" -ge 95 ]; }; then
    CARGO=$(command -v cargo)
    RUSTC=$(command -v rustc)
  fi
  export CARGO RUSTC
}
pick_rust
