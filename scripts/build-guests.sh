#!/usr/bin/env bash
# build-guests.sh [--quick|--all] OUTDIR [NAME...]
#
# Builds the guest components of examples/ and tests/guests/ into OUTDIR/NAME.wasm. --quick, the
# default, leaves out what takes minutes or tools of hundreds of megabytes (C++, Go, JavaScript,
# TypeScript, Python); names choose single guests. Each result is kept in the user's cache folder
# under the hash of its sources, recipe and compiler, so that a fresh clone on the same machine
# builds nothing again.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
cache=${NIMBUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nimbus}
source "$root/scripts/guest-list.sh"
source "$root/scripts/guest-tools.sh"
source "$root/scripts/guest-recipes.sh"

# What the result depends on beside the sources, by recipe.
compiler_of() {
  case $1 in
    rust*) echo "$rust_version" ;;
    c*) echo "$clang_version" ;;
    go*) echo "$go_version $adapter_version $wit_bindgen_go_version" ;;
    js) echo "$jco_version $rust_version" ;;
    ts) echo "$typescript_version $jco_version $rust_version" ;;
    py) echo "$componentize_py_version $rust_version" ;;
  esac
}

# The folders and files that belong to a guest.
sources_of() {
  local recipe=$1 folder=$2
  echo "$folder"
  case $recipe in
    rust*)
      printf '%s\n' examples/Cargo.toml examples/Cargo.lock examples/initial-heap \
        tests/guests/support examples/plugins/wash-plugin wit/wash
      taken_by_path "$folder"
      ;;
    cpp) echo examples/http-hello-c ;;
    *_plugin) echo wit/wash ;;
    wat_core) echo tests/guests/core/wit ;;
    js | ts | py) echo examples/Cargo.lock ;;
  esac
}

# The files of other folders that the sources of a guest in Rust take as modules of theirs.
taken_by_path() {
  local file path
  while IFS=: read -r file path; do
    realpath -m --relative-to="$root" "$root/${file%/*}/$path"
  done < <(cd "$root" && grep -rHoP --include='*.rs' --exclude-dir=target '#\[path = "\K[^"]+' "$1")
}

# Fills file_hashes: path relative to the root -> hash, of everything a guest may be made of.
hash_sources() {
  local hash path
  while read -r hash path; do
    file_hashes[$path]=$hash
  done < <(cd "$root" && find examples tests/guests wit/wash \
    scripts/guest-recipes.sh scripts/guest-tools.sh \
    -type d \( -name target -o -name node_modules -o -name .wash \) -prune -o \
    -type f ! -name README.md -print | LC_ALL=C sort | xargs -d '\n' sha256sum)
  # Path order, for a hash that is the same every time.
  mapfile -t sorted_paths < <(printf '%s\n' "${!file_hashes[@]}" | LC_ALL=C sort)
}

# Writes down all that decides what a guest's component looks like.
describe_guest() {
  local recipe=$1 folder=$2 argument=$3 path source
  echo "$recipe $folder $argument $wasm_tools_version $(compiler_of "$recipe")"
  echo "${file_hashes[scripts/guest-recipes.sh]} ${file_hashes[scripts/guest-tools.sh]}"
  for source in $(sources_of "$recipe" "$folder"); do
    for path in "${sorted_paths[@]}"; do
      [[ $path == "$source" || $path == "$source"/* ]] && echo "${file_hashes[$path]} $path"
    done
  done
  return 0
}

# Fills keys: name of a guest -> hash of its description, for all chosen ones.
hash_guests() {
  local index hash path
  for index in "${!names[@]}"; do
    describe_guest "${recipes[index]}" "${folders[index]}" "${arguments[index]}" \
      >"$scratch/${names[index]}.description"
  done
  while read -r hash path; do
    path=${path##*/}
    keys[${path%.description}]=${hash:0:32}
  done < <(sha256sum "$scratch"/*.description)
}

# Reads the list into names, recipes, folders, arguments; only what was asked for.
choose_guests() {
  local name set recipe folder argument
  while read -r name set recipe folder argument; do
    if [ ${#wanted[@]} -gt 0 ]; then
      [[ " ${wanted[*]} " == *" $name "* ]] || continue
    elif [ "$set" = all ] && [ "$scope" = quick ]; then
      continue
    fi
    names+=("$name") recipes+=("$recipe") folders+=("$folder") arguments+=("$argument")
  done < <(guest_list)
  for name in "${wanted[@]}"; do
    [[ " ${names[*]} " == *" $name "* ]] || die "there is no guest $name"
  done
}

build_guest() {
  local name=$1 recipe=$2 folder=$3 argument=$4 kept=$5 started=$SECONDS
  (
    work=$scratch/$name
    mkdir "$work"
    "build_$recipe" "$name" "$root/$folder" "$kept.$$" $argument
  )
  mv "$kept.$$" "$kept"
  # What nobody asked for in two months will not be missed.
  find "$cache/guests" -name '*.wasm*' -mtime +60 -delete
  echo "built   $name ($(stat -c %s "$kept") bytes, $((SECONDS - started)) s)"
}

# Puts one guest into the output folder, from the cache if it is there.
provide_guest() {
  local name=${names[$1]} kept=$cache/guests/${keys[${names[$1]}]}.wasm
  if [ ! -e "$kept" ]; then
    build_guest "$name" "${recipes[$1]}" "${folders[$1]}" "${arguments[$1]}" "$kept"
  else
    echo "cached  $name"
    [ "${present[$name]:-}" = "${keys[$name]}" ] && [ -e "$output/$name.wasm" ] && return
  fi
  cp "$kept" "$output/$name.wasm.$$"
  mv "$output/$name.wasm.$$" "$output/$name.wasm"
  present[$name]=${keys[$name]}
  write_present
}

# The file OUTDIR/.built remembers which hash each component there has.
read_present() {
  local name key
  [ -e "$output/.built" ] || return 0
  while read -r name key; do
    present[$name]=$key
  done <"$output/.built"
}

write_present() {
  local name
  for name in "${!present[@]}"; do
    echo "$name ${present[$name]}"
  done >"$output/.built.$$"
  mv "$output/.built.$$" "$output/.built"
}

main() {
  scope=quick
  case ${1:-} in
    --quick | --all)
      scope=${1#--}
      shift
      ;;
  esac
  case ${1:-} in
    '' | -*) die "usage: build-guests.sh [--quick|--all] OUTDIR [NAME...]" ;;
  esac
  mkdir -p "$1" "$cache/guests"
  output=$(cd "$1" && pwd)
  shift
  wanted=("$@")
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch" "$cache"/guests/*.wasm.$$ "$output"/*.$$' EXIT

  rust_version=$(/usr/bin/rustc --version 2>/dev/null || echo missing)
  clang_version=$(clang-22 --version 2>/dev/null | head -n 1 || echo missing)
  declare -gA file_hashes keys present
  declare -ga sorted_paths names=() recipes=() folders=() arguments=()
  choose_guests
  hash_sources
  hash_guests

  # One build at a time in this cache: the guests share a target folder and the tools.
  exec 9>"$cache/guests/.lock"
  flock 9
  read_present
  local index
  for index in "${!names[@]}"; do
    provide_guest "$index"
  done
}

main "$@"
