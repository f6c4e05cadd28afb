#!/usr/bin/env bash
# install.sh: installs the Debian packages that building and testing need, as root or through sudo.
# Asks the package database first, and touches the network only if something is missing.
set -euo pipefail

packages=(
  # The compiler, its sanitizers and fuzzer, and the standard library it uses.
  clang-22 lld-22 clang-format-22 libclang-rt-22-dev libstdc++-12-dev libc6-dev
  ccache cmake make ninja-build pkg-config
  # Rust: for the engine library, unless a newer one is on PATH, and always for the guests.
  rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web
  # C and C++ guests.
  libclang-rt-22-dev-wasm32 wasi-libc libc++-22-dev-wasm32 libc++abi-22-dev-wasm32
  # Libraries.
  libboost1.81-dev libboost-json1.81-dev libssl-dev libnghttp2-dev
  libc-ares-dev libyaml-cpp-dev libcli11-dev libfmt-dev libspdlog-dev
  libnats-dev libhiredis-dev libsqlite3-dev libtomlplusplus-dev libarchive-dev zlib1g-dev
  libjemalloc-dev
  # Tests, benchmarks and their clients.
  libgtest-dev libgmock-dev python3 python3-venv nats-server redis-server
  curl nghttp2-client openssl wrk zsh fish elvish docker-registry skopeo
  # Plain tools of the scripts.
  ca-certificates git procps util-linux xz-utils binutils
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install: not a Debian system; the packages it would install are:" "${packages[@]}" >&2
  exit 0
fi

# dpkg-query fails as soon as it does not know one of them, and still lists the others.
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
  sed -n 's/^installed //p') || true
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install: missing packages, and neither root nor sudo; run as root:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "install: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq
  -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
"${apt[@]}" update </dev/null >/dev/null
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
