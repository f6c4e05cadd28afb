#include "project/languages/provider_sdk.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "project/languages/languages.h"
#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListsBytes = std::size_t{1} << 20;
constexpr int kNewest = 40;
// What CMAKE_INSTALL_LIBDIR may be.
constexpr std::array<std::string_view, 4> kLibraryFolders = {"lib", "lib64", "lib/x86_64-linux-gnu",
                                                             "lib/aarch64-linux-gnu"};

std::string variable(const StringMap& environment, const char* name) {
  if (const auto given = environment.find(name); given != environment.end()) return given->second;
  const char* inherited = std::getenv(name);
  return inherited == nullptr ? "" : inherited;
}

// In the order of https://cmake.org/cmake/help/latest/command/find_package.html
std::vector<fs::path> prefixes(const Toolbox& tools, const StringMap& environment) {
  std::vector<fs::path> found;
  const std::string given = variable(environment, "CMAKE_PREFIX_PATH");
  for (const std::string_view prefix : split(given, ':')) found.emplace_back(prefix);
  for (const std::string_view folder : split(tools.path(), ':')) {
    const fs::path path(folder);
    const std::string name = path.filename().string();
    found.push_back(name == "bin" || name == "sbin" ? path.parent_path() : path);
  }
  found.emplace_back("/usr/local");
  found.emplace_back("/usr");
  std::erase_if(found, [](const fs::path& path) { return path.empty(); });
  return found;
}

// The line without what is a comment in it. (A "#" in a quoted text is taken for one too.)
std::string_view code(std::string_view line) { return line.substr(0, line.find('#')); }

}  // namespace

bool isProviderProject(const fs::path& folder) {
  const fs::path lists = folder / kCMakeLists;
  if (!isThere(lists)) return false;
  const auto text = readFile(lists.string(), kMaxListsBytes);
  if (!text) return false;
  return std::ranges::any_of(split(*text, '\n'), [](std::string_view line) {
    const std::string said = lowerAscii(code(line));
    const std::size_t call = said.find("find_package");
    if (call == std::string::npos) return false;
    const auto words = splitOnce(std::string_view(said).substr(call), '(');
    if (!words) return false;
    const std::string_view name = trim(words->second);
    return name.starts_with("nimbus") &&
           (name.size() == 6 || name[6] == ' ' || name[6] == ')' || name[6] == '\t');
  });
}

Result<std::string> findProviderSdk(const Toolbox& tools, const StringMap& environment) {
  for (const fs::path& prefix : prefixes(tools, environment)) {
    for (const std::string_view library : kLibraryFolders) {
      const fs::path package = prefix / library / "cmake/nimbus";
      if (isThere(package / "nimbus-config.cmake")) return package.string();
    }
  }
  return fail(ErrorCode::kNotFound,
              "a provider in C++ is linked with the SDK of Nimbus, which is not installed where "
              "CMake looks (CMAKE_PREFIX_PATH, what stands beside the folders of PATH, /usr/local, "
              "/usr): in a checkout of Nimbus run make install-sdk PREFIX=$HOME/.local, and set "
              "CMAKE_PREFIX_PATH=$HOME/.local unless $HOME/.local/bin is on PATH");
}

Result<std::string> findProviderCompiler(const Toolbox& tools, const StringMap& environment) {
  constexpr std::string_view kWho = "providers in C++";
  if (const std::string given = variable(environment, "CXX"); !given.empty())
    return tools.need(given, kWho, kHowToGetProviderCompiler);
  std::vector<std::string> names;
  for (int version = kNewest; version >= kOldestProviderClang; --version)
    names.push_back(fmt::format("clang++-{}", version));
  if (auto found = tools.findAny(names)) return *std::move(found);
  return tools.need("clang++", kWho, kHowToGetProviderCompiler);
}

}  // namespace nimbus::project
