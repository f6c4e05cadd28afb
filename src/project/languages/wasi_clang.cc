#include "project/languages/wasi_clang.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr int kNewest = 40;
constexpr int kOldest = 14;
std::string ifThere(const fs::path& path) { return isThere(path) ? path.string() : std::string(); }

std::string sdkFolder(const StringMap& environment) {
  if (const auto given = environment.find("WASI_SDK_PATH"); given != environment.end()) {
    return given->second;
  }
  const char* inherited = std::getenv("WASI_SDK_PATH");
  return inherited == nullptr ? "" : inherited;
}

Result<WasiClang> fromSdk(const fs::path& sdk) {
  WasiClang clang{.cc = (sdk / "bin/clang").string(),
                  .cxx = ifThere(sdk / "bin/clang++"),
                  .ar = ifThere(sdk / "bin/llvm-ar"),
                  .ranlib = ifThere(sdk / "bin/llvm-ranlib"),
                  .sysroot = (sdk / "share/wasi-sysroot").string(),
                  .has_cxx_library = true};
  if (isThere(clang.cc) && isThere(clang.sysroot)) return clang;
  return fail(ErrorCode::kNotFound,
              fmt::format("WASI_SDK_PATH is {}, which holds no WASI SDK", sdk.string()));
}

// Whether the compiler answers with the path of a file that is there.
bool finds(const Toolbox& tools, const std::string& cc, const std::string& question) {
  const auto answer =
      tools.ask({cc, fmt::format("--target={}", WasiClang::kTarget), "-Wno-deprecated", question});
  return answer && answer->starts_with('/') && isThere(*answer);
}

std::optional<WasiClang> fromPath(const Toolbox& tools, const std::string& suffix) {
  const auto cc = tools.find("clang" + suffix);
  if (!cc || !finds(tools, *cc, "-print-file-name=libc.a") ||
      !finds(tools, *cc, "-print-libgcc-file-name")) {
    return std::nullopt;
  }
  return WasiClang{.cc = *cc,
                   .cxx = tools.find("clang++" + suffix).value_or(""),
                   .ar = tools.find("llvm-ar" + suffix).value_or(""),
                   .ranlib = tools.find("llvm-ranlib" + suffix).value_or(""),
                   .sysroot = "",
                   .has_cxx_library = finds(tools, *cc, "-print-file-name=libc++.a")};
}

}  // namespace

std::string wasiCxxPackages(unsigned clang) {
  return fmt::format("libc++-{0}-dev-wasm32 libc++abi-{0}-dev-wasm32", clang);
}

std::vector<std::string> WasiClang::flags() const {
  // Newer compilers complain of the target's name, older systems have their folders by it.
  std::vector<std::string> flags = {fmt::format("--target={}", kTarget), "-Wno-deprecated"};
  if (!sysroot.empty()) flags.push_back("--sysroot=" + sysroot);
  return flags;
}

Result<WasiClang> findWasiClang(const Toolbox& tools, const StringMap& environment) {
  if (const std::string sdk = sdkFolder(environment); !sdk.empty()) return fromSdk(sdk);
  for (int version = kNewest; version >= kOldest; --version) {
    if (auto clang = fromPath(tools, fmt::format("-{}", version))) return *std::move(clang);
  }
  if (auto clang = fromPath(tools, "")) return *std::move(clang);
  return fail(ErrorCode::kNotFound,
              fmt::format("C and C++ projects need a Clang with a C library for WASI, and PATH has "
                          "none: on Debian: apt-get install {}, for C++ also {}; elsewhere set "
                          "WASI_SDK_PATH to a WASI SDK "
                          "(https://github.com/WebAssembly/wasi-sdk/releases)",
                          kWasiClangPackages, wasiCxxPackages()));
}

}  // namespace nimbus::project
