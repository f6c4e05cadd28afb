#include "project/languages/rust_toolchain.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "project/languages/results.h"

#include "base/text.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBareTarget = "wasm32-unknown-unknown";
constexpr std::string_view kBareNote =
    "building for wasm32-unknown-unknown, where Rust's own println!, files and environment do "
    "nothing: take them from the bindings (crates wasip2, wasip3), or install the target "
    "wasm32-wasip2";
constexpr std::string_view kDebian =
    "on Debian: apt-get install cargo-web rustc-web rust-web-src lld-22";

// A cargo and the rustc beside it.
struct Pair {
  std::string cargo;
  std::string rustc;
  fs::path sysroot;
};

bool hasTarget(const Pair& pair, std::string_view target) {
  return isThere(pair.sysroot / "lib/rustlib" / target / "lib");
}

bool hasStdSource(const Pair& pair) {
  return isThere(pair.sysroot / "lib/rustlib/src/rust/library/std/Cargo.toml");
}

// Of the pairs on PATH, each once, those whose rustc answers.
std::vector<Pair> findPairs(const Toolbox& tools) {
  std::vector<Pair> pairs;
  std::vector<fs::path> seen;
  for (const std::string_view folder : split(tools.path(), ':')) {
    if (!folder.starts_with('/')) continue;
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error || std::ranges::find(seen, real) != seen.end()) continue;
    seen.push_back(real);
    const auto cargo = tools.find((fs::path(folder) / "cargo").string());
    const auto rustc = tools.find((fs::path(folder) / "rustc").string());
    if (!cargo || !rustc) continue;
    const auto sysroot = tools.ask({*rustc, "--print", "sysroot"});
    if (sysroot) pairs.push_back({*cargo, *rustc, *sysroot});
  }
  return pairs;
}

std::vector<std::string> targetsByPreference(std::string_view wanted) {
  std::vector<std::string> targets = {std::string(wanted)};
  for (const std::string_view target : {"wasm32-wasip2", "wasm32-wasip1"}) {
    if (target != wanted) targets.emplace_back(target);
  }
  if (wanted != kBareTarget) targets.emplace_back(kBareTarget);
  return targets;
}

// rustc's own linker, or one from PATH; nothing if there is neither.
std::optional<std::string> linkerFor(const Pair& pair, const Toolbox& tools) {
  std::error_code error;
  for (fs::directory_iterator it(pair.sysroot / "lib/rustlib", error), end; !error && it != end;
       it.increment(error)) {
    if (isThere(it->path() / "bin/rust-lld")) return "rust-lld";
  }
  std::vector<std::string> names = {"wasm-ld", "rust-lld"};
  for (int version = 40; version >= 14; --version) {
    names.push_back(fmt::format("wasm-ld-{}", version));
  }
  return tools.findAny(names);
}

RustToolchain installed(const Pair& pair, std::string_view wanted, const std::string& target) {
  std::string note;
  if (target == kBareTarget && target != wanted) note = kBareNote;
  return {.cargo = pair.cargo,
          .target = target,
          .environment = {{"RUSTC", pair.rustc}},
          .note = std::move(note)};
}

RustToolchain withOwnStd(const Pair& pair, const std::string& linker) {
  return {.cargo = pair.cargo,
          .target = std::string(kBareTarget),
          .arguments = {"-Zbuild-std=std,panic_abort"},
          .environment = {{"RUSTC", pair.rustc},
                          {"RUSTC_BOOTSTRAP", "1"},
                          {"CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker}},
          .note = std::string(kBareNote)};
}

}  // namespace

Result<RustToolchain> findRustToolchain(const Toolbox& tools, std::string_view wanted) {
  const std::vector<Pair> pairs = findPairs(tools);
  if (pairs.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("Rust projects need cargo and rustc, which are not on PATH: install "
                            "them from https://rustup.rs with the target {}, or {}",
                            wanted, kDebian));
  }
  for (const std::string& target : targetsByPreference(wanted)) {
    for (const Pair& pair : pairs) {
      if (hasTarget(pair, target)) return installed(pair, wanted, target);
    }
  }
  for (const Pair& pair : pairs) {
    if (!hasStdSource(pair)) continue;
    if (const auto linker = linkerFor(pair, tools)) return withOwnStd(pair, *linker);
    return fail(ErrorCode::kNotFound,
                fmt::format("{} can build its standard library for WebAssembly, but there is no "
                            "linker: apt-get install lld-22",
                            pair.rustc));
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{} has no standard library for WebAssembly: rustup target add {}; or {}",
                          pairs.front().rustc, wanted, kDebian));
}

}  // namespace nimbus::project
