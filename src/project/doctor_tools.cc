// Programs of other people: whether they are there, and whether their versions fit.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "project/doctor.h"
#include "project/languages/provider_sdk.h"
#include "project/languages/results.h"
#include "project/languages/rust_toolchain.h"
#include "project/languages/wasi_clang.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using Status = Check::Status;
using StringPairs = std::vector<std::pair<std::string, std::string>>;

// What projects keep for themselves goes before PATH.
std::optional<std::string> locate(const std::string& program, const std::string& folder,
                                  const Toolbox& tools) {
  for (const char* own : {".venv/bin", "venv/bin", "node_modules/.bin"}) {
    if (auto found = tools.find((fs::path(folder) / own / program).string())) return found;
  }
  return tools.find(program);
}

// Why a cargo that is there does not answer: rustup stands before it, and has no toolchain for it.
// Nothing if that is not so.
std::optional<Check> withoutToolchain(const Check& cargo, const std::string& folder,
                                      const Toolbox& tools) {
  const auto rustup = tools.find("rustup");
  if (!rustup) return std::nullopt;
  Check check = cargo;
  check.status = check.required ? Status::kError : Status::kWarning;
  const StringPairs quiet = {{"RUSTUP_AUTO_INSTALL", "0"}};
  const auto installed = tools.ask({*rustup, "toolchain", "list"}, quiet);
  if (!installed) return std::nullopt;
  const bool chosen = tools.ask({*rustup, "default"}, quiet).has_value();
  for (const char* file : {"rust-toolchain.toml", "rust-toolchain"}) {
    if (!chosen || !isThere(fs::path(folder) / file)) continue;
    check.message =
        fmt::format("is rustup's, and the toolchain that {} asks for is not installed", file);
    check.fix = "rustup toolchain install";
    check.safe_fix = {*rustup, "toolchain", "install"};
    return check;
  }
  if (chosen && !installed->contains("no installed toolchains")) return std::nullopt;
  check.message = "is rustup's, which has no toolchain to run";
  check.fix = "rustup default stable";
  check.safe_fix = {*rustup, "default", "stable"};
  return check;
}

Check checkTool(const ToolEntry& tool, bool required, const std::string& folder,
                const Toolbox& tools) {
  Check check{.name = tool.name, .required = required};
  const auto path = locate(tool.ask[0], folder, tools);
  if (!path) {
    check.status = check.required ? Status::kError : Status::kAbsent;
    check.message = fmt::format("is not on PATH; it {}", tool.purpose);
    check.fix = tool.install;
    return check;
  }
  check.path = *path;
  std::vector<std::string> ask = tool.ask;
  ask[0] = *path;
  const auto answer = tools.ask(ask, {tool.environment.begin(), tool.environment.end()});
  if (!answer && tool.name == "cargo") {
    if (auto found = withoutToolchain(check, folder, tools)) return *std::move(found);
  }
  const auto version = answer ? ToolVersion::findIn(*answer) : std::nullopt;
  if (!version) {
    // One that cannot even do that will hardly build.
    check.status = check.required && !answer ? Status::kError : Status::kWarning;
    check.message = fmt::format("does not say its version: `{}` {}", fmt::join(tool.ask, " "),
                                answer ? "prints none" : "fails, or does not end");
    check.fix = tool.install;
    return check;
  }
  check.version = version->text();
  if (*version < tool.least) {
    check.status = check.required ? Status::kError : Status::kWarning;
    check.message =
        fmt::format("is older than {}, which is needed; it {}", tool.least.text(), tool.purpose);
    check.fix = tool.install;
  }
  return check;
}

const Check* findCheck(const std::vector<Check>& checks, std::string_view name) {
  const auto found = std::ranges::find(checks, name, &Check::name);
  return found == checks.end() ? nullptr : &*found;
}

// TinyGo refuses a Go that is newer than itself.
void checkPairing(const std::string& language, const ToolchainTable& table,
                  std::vector<Check>& into) {
  const Check* go = findCheck(into, "go");
  const Check* tinygo = findCheck(into, "tinygo");
  if (go == nullptr || tinygo == nullptr || go->version.empty() || tinygo->version.empty()) return;
  const auto pairing = table.tinygoFor(*ToolVersion::findIn(go->version));
  if (!pairing) return;
  Check check{.name = "tinygo-for-go", .required = language == "tinygo"};
  const bool fits = *ToolVersion::findIn(tinygo->version) >= pairing->tinygo;
  if (fits && pairing->known) {
    check.message = fmt::format("TinyGo {} takes Go {}", tinygo->version, go->version);
  } else if (fits) {
    check.status = Status::kWarning;
    check.message =
        fmt::format("Go {} is newer than what is known of TinyGo {}", go->version, tinygo->version);
    check.fix = "if TinyGo refuses it, install an older Go: https://go.dev/dl";
  } else {
    check.status = check.required ? Status::kError : Status::kWarning;
    check.message =
        fmt::format("Go {} needs TinyGo {} or newer; this is {}, which will refuse to build",
                    go->version, pairing->tinygo.text(), tinygo->version);
    check.fix = fmt::format(
        "install TinyGo {} (https://tinygo.org/getting-started/install), or an older Go",
        pairing->tinygo.text());
  }
  into.push_back(std::move(check));
}

// Without a project that needs it, a missing tool is no finding.
Status missing(bool required) { return required ? Status::kError : Status::kAbsent; }

Check checkRustTarget(const std::string& language, const Toolbox& tools) {
  constexpr std::string_view kTarget = "wasm32-wasip2";
  Check check{.name = "rust-target", .required = language == "rust"};
  const auto found = findRustToolchain(tools, kTarget);
  if (!found) {
    check.status = missing(check.required);
    check.message = found.error().message();
  } else if (found->target != kTarget) {
    check.status = check.required ? Status::kWarning : Status::kOk;
    check.path = found->cargo;
    check.message =
        fmt::format("{} is not installed; projects are built for {}", kTarget, found->target);
  } else {
    check.path = found->cargo;
    check.message = fmt::format("{} is installed", kTarget);
    return check;
  }
  check.fix = fmt::format("rustup target add {}", kTarget);
  if (const auto rustup = tools.find("rustup"))
    check.safe_fix = {*rustup, "target", "add", std::string(kTarget)};
  return check;
}

std::string wasiClangFix(const ProjectNeeds& needs) {
  const std::string cxx = needs.cxx != ProjectNeeds::Cxx::kNo ? " " + wasiCxxPackages() : "";
  return fmt::format("on Debian: apt-get install {}{}", kWasiClangPackages, cxx);
}

Check checkCxxLibrary(const WasiClang& clang, const std::optional<ToolVersion>& version,
                      const ProjectNeeds& needs) {
  Check check{.name = "libc++-wasi", .required = needs.cxx == ProjectNeeds::Cxx::kYes};
  if (clang.has_cxx_library) {
    check.message = "C++ is compiled for WASI with it";
    return check;
  }
  check.status = missing(check.required);
  check.message = fmt::format("{} has no C++ library for WASI, which C++ needs", clang.cc);
  if (needs.cxx == ProjectNeeds::Cxx::kLikely) {
    check.status = Status::kWarning;
    check.message += ", and there are files in C++";
  }
  check.fix =
      fmt::format("on Debian: apt-get install {}; elsewhere set WASI_SDK_PATH to a WASI SDK",
                  version ? wasiCxxPackages(version->parts.front()) : wasiCxxPackages());
  return check;
}

// With the library that C++ needs beside it.
void checkClang(const std::string& language, const ProjectNeeds& needs,
                const StringMap& environment, const Toolbox& tools, const ToolVersion& oldest,
                std::vector<Check>& into) {
  Check check{.name = "clang-wasi", .required = language == "c"};
  const auto found = findWasiClang(tools, environment);
  if (!found) {
    check.status = missing(check.required);
    check.message = found.error().message();
    check.fix = wasiClangFix(needs);
    into.push_back(std::move(check));
    return;
  }
  check.path = found->cc;
  const auto answer = tools.ask({found->cc, "--version"});
  const auto version = answer ? ToolVersion::findIn(*answer) : std::nullopt;
  if (version) check.version = version->text();
  check.message =
      found->sysroot.empty() ? "compiles for WASI" : "compiles for WASI with " + found->sysroot;
  if (version && *version < oldest) {
    check.status = check.required ? Status::kError : Status::kWarning;
    check.message = fmt::format("is older than {}, which is needed; it compiles C and C++ for WASI",
                                oldest.text());
    check.fix = wasiClangFix(needs);
  }
  into.push_back(std::move(check));
  into.push_back(checkCxxLibrary(*found, version, needs));
}

// Of a provider in C++: what it is linked with, and the compiler that takes it.
void checkProvider(const StringMap& environment, const Toolbox& tools, std::vector<Check>& into) {
  Check sdk{.name = "nimbus-sdk", .required = true};
  if (const auto found = findProviderSdk(tools, environment)) {
    sdk.path = *found;
    sdk.message = "providers in C++ are linked with it";
  } else {
    sdk.status = Status::kError;
    sdk.message = "is not installed where CMake looks; providers in C++ are linked with it";
    sdk.fix =
        "in a checkout of Nimbus: make install-sdk PREFIX=$HOME/.local; then set "
        "CMAKE_PREFIX_PATH=$HOME/.local unless $HOME/.local/bin is on PATH";
  }
  into.push_back(std::move(sdk));
  Check compiler{.name = "clang++", .required = true};
  if (const auto found = findProviderCompiler(tools, environment)) {
    compiler.path = *found;
    const auto answer = tools.ask({*found, "--version"});
    const auto version = answer ? ToolVersion::findIn(*answer) : std::nullopt;
    if (version) compiler.version = version->text();
    compiler.message = "compiles providers in C++, for which clang has to be 22 or newer";
    if (answer &&
        (!answer->contains("clang") || (version && *version < ToolVersion{{kOldestProviderClang}})))
      compiler.status = Status::kError;
  } else {
    compiler.status = Status::kError;
    compiler.message = found.error().message();
  }
  compiler.fix = kHowToGetProviderCompiler;
  into.push_back(std::move(compiler));
}

}  // namespace

void checkTools(const std::string& language, const std::string& folder, const ProjectNeeds& needs,
                const Toolbox& tools, const ToolchainTable& table, std::vector<Check>& into) {
  for (const ToolEntry& tool : table.tools) {
    const bool required = needs.tools.contains(tool.name) ||
                          std::ranges::find(tool.languages, language) != tool.languages.end();
    into.push_back(checkTool(tool, required, folder, tools));
  }
  checkPairing(language, table, into);
}

void checkCompilers(const std::string& language, const ProjectNeeds& needs,
                    const StringMap& environment, const Toolbox& tools, const ToolchainTable& table,
                    std::vector<Check>& into) {
  into.push_back(checkRustTarget(language, tools));
  checkClang(language, needs, environment, tools, table.oldest_wasi_clang, into);
  if (language == "cpp-provider") checkProvider(environment, tools, into);
}

}  // namespace nimbus::project
