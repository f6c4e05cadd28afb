# Sourced by build-guests.sh: one function per kind of guest. Each is called as build_RECIPE NAME
# FOLDER OUTPUT [ARGUMENT] with an empty folder $work of its own, and says on standard output
# nothing.

# build_rust: a component whose custom names are stripped.
build_rust() {
  build_rust_named "$1" "$2" "$work/named.wasm"
  "$wasm_tools" strip --delete '^name$' "$work/named.wasm" -o "$3"
}

# Room for what a request takes, so that its instance need not grow: see examples/initial-heap.
rust_initial_memory=2097152

# build_rust_named: the same with function names, for backtraces. The target has no system interface
# at all: what a guest imports comes from its bindings alone, and no adapter is needed.
build_rust_named() {
  need_wasm_tools
  need_rust
  local target=wasm32-unknown-unknown
  (
    cd "$root/examples"
    PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS='' \
      CARGO_TARGET_DIR=$cache/guest-target \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22 \
      /usr/bin/cargo rustc --quiet --locked --release --target "$target" \
      -Zbuild-std=std,panic_abort -p "$1" -- \
      -Clink-arg=--initial-memory=$rust_initial_memory >&2
  )
  "$wasm_tools" component new "$cache/guest-target/$target/release/${1//-/_}.wasm" -o "$3"
}

# build_c NAME FOLDER OUTPUT [VERSION]: main.c with the bindings in gen/; with VERSION as if it had
# been written against that version of WASI 0.2.
build_c() {
  need_wasm_tools
  need_clang
  cp -r "$2/." "$work"
  if [ -n "${4:-}" ]; then
    sed -i "s/0\.2\.12/$4/g" "$work"/gen/hello.[ch] "$work/wit/world.wit"
  fi
  compile_c_bindings "$work/gen" hello
  clang-22 --target=wasm32-wasi -Wno-deprecated -Wall -Wextra -Werror -Oz -mexec-model=reactor \
    -Wl,--strip-all -I"$work/gen" "$work/main.c" "$work/hello.o" -o "$work/core.wasm" >&2
  componentize "$3"
}

# compile_c_bindings GEN WORLD: $work/WORLD.o. The bindings ask for an object file that carries the
# world; we put the world in afterwards.
compile_c_bindings() {
  echo "void __component_type_object_force_link_$2(void) {}" |
    cat "$1/$2.c" - >"$work/$2.c"
  clang-22 --target=wasm32-wasi -Wno-deprecated -Oz -I"$1" -c "$work/$2.c" -o "$work/$2.o" >&2
}

# link_cpp FOLDER GEN WORLD: main.cc and its bindings.
link_cpp() {
  need_program /usr/lib/wasm32-wasi/libc++.a "libc++-22-dev-wasm32 libc++abi-22-dev-wasm32"
  clang++-22 --target=wasm32-wasi -std=c++23 -Oz -Wall -Werror -Wno-deprecated -fno-exceptions \
    -mexec-model=reactor -Wl,--strip-all -I"$2" "$1/main.cc" "$work/$3.o" \
    -o "$work/core.wasm" >&2
}

# build_cpp: C++ over the bindings of the C example.
build_cpp() {
  need_wasm_tools
  need_clang
  local c=$root/examples/http-hello-c
  cp -r "$c/wit" "$work"
  compile_c_bindings "$c/gen" hello
  link_cpp "$2" "$c/gen" hello
  componentize "$3"
}

# build_cpp_plugin: a plugin of wash in C++, over the C bindings in gen/.
build_cpp_plugin() {
  need_wasm_tools
  need_clang
  compile_c_bindings "$2/gen" wash_plugin
  link_cpp "$2" "$2/gen" wash_plugin
  componentize_plugin "$3"
}

# Makes a plugin of wash of $work/core.wasm, which speaks preview 1.
componentize_plugin() {
  need_adapter
  "$wasm_tools" component embed "$root/wit/wash" --world nimbus:wash/wash-plugin \
    "$work/core.wasm" -o "$work/embedded.wasm"
  "$wasm_tools" component new "$work/embedded.wasm" -o "$1" \
    --adapt "wasi_snapshot_preview1=$adapter"
}

# Makes a component of $work/core.wasm and the world in $work/wit; further arguments go to the
# linker.
componentize() {
  local output=$1
  shift
  "$wasm_tools" component embed "$work/wit" --world hello "$work/core.wasm" -o "$work/embedded.wasm"
  "$wasm_tools" component new "$work/embedded.wasm" -o "$output" "$@"
}

# build_c_command: a core module of preview 1, not wrapped.
build_c_command() {
  need_clang
  clang-22 --target=wasm32-wasi -Wno-deprecated -Wall -Werror -Oz -Wl,--strip-all "$2/main.c" \
    -o "$3" >&2
}

# build_wat: as it is written, valid or not.
build_wat() {
  need_wasm_tools
  "$wasm_tools" parse "$2" -o "$3"
}

# build_wat_core NAME FILE OUTPUT WORLD: a core module, made a component of that world.
build_wat_core() {
  need_wasm_tools
  "$wasm_tools" component embed "$root/tests/guests/core/wit" --world "$4" "$2" \
    -o "$work/embedded.wasm"
  "$wasm_tools" component new "$work/embedded.wasm" -o "$3"
}

# build_go: Go speaks preview 1, so that the standard adapter goes in.
build_go() {
  need_adapter
  compile_go "$2"
  componentize "$3" --adapt "wasi_snapshot_preview1=$adapter"
}

# build_go_plugin: a plugin of wash in Go.
build_go_plugin() {
  compile_go "$2"
  componentize_plugin "$3"
}

# Makes $work/core.wasm of a folder in Go. -checklinkname=0 because the runtime of the bindings
# takes its memory from runtime.sbrk.
compile_go() {
  need_wasm_tools
  need_go
  need_go_runtime
  cp -r "$1/." "$work"
  cp -r "$go_runtime" "$work/runtime"
  (
    cd "$work"
    GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOFLAGS=-mod=mod \
      "$go" build -buildmode=c-shared -trimpath -ldflags='-s -w -checklinkname=0' -o core.wasm . >&2
  )
}

build_js() {
  componentize_js "$2/hello.js" "$2/wit/world.wit" "$3"
}

# build_ts: checked, and made JavaScript of.
build_ts() {
  need_typescript
  cp -r "$2/." "$work"
  (cd "$work" && PATH=$venv/bin:$PATH node "$typescript_folder/node_modules/typescript/bin/tsc" >&2)
  componentize_js "$work/dist/hello.js" "$2/wit/world.wit" "$3"
}

# componentize_js SCRIPT WORLD OUTPUT: the engine inside speaks WASI 0.2.10 and no other.
componentize_js() {
  need_jco
  whole_wasi "$work/whole"
  cp "$2" "$work/whole"
  sed -i -e 's/0\.2\.12/0.2.10/g' -e '/@unstable(feature = network-error-code)/d' \
    "$work"/whole/deps/*.wit
  PATH=$venv/bin:$PATH "$jco_folder/node_modules/.bin/jco" componentize "$1" \
    --wit "$work/whole" --world-name hello -o "$3" >&2
}

build_py() {
  need_componentize_py
  whole_wasi "$work/wit"
  cp "$2/app.py" "$work"
  cp "$2/wit/world.wit" "$work/wit"
  (cd "$work" && "$venv/bin/componentize-py" -d wit -w hello componentize app -o app.wasm >&2)
  mv "$work/app.wasm" "$3"
}

# The text of all of WASI 0.2, from the Rust bindings that the other guests use anyway.
whole_wasi() {
  need_rust
  mkdir -p "$1"
  cp -r "$(folder_of_crate "$root/examples" wasip2)/wit/deps" "$1"
}
