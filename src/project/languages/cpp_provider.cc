// A provider in C++: CMake with the compiler of this machine, and an installed Nimbus. What comes
// out is a program, and no component.

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "project/languages/languages.h"
#include "project/languages/provider_sdk.h"
#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "build";
constexpr std::size_t kMaxCacheBytes = std::size_t{4} << 20;

// Whether the arguments after "--" give CMake one of these variables, as -DNAME[:TYPE]=VALUE or in
// two words. What a variable name is followed by ends it.
bool defines(const std::vector<std::string>& arguments,
             std::initializer_list<std::string_view> names) {
  bool in_two_words = false;
  for (std::string_view word : arguments) {
    const bool definition = in_two_words || word.starts_with("-D");
    if (!in_two_words && definition) word.remove_prefix(2);
    in_two_words = definition && word.empty();
    const std::string_view name = word.substr(0, word.find_first_of(":="));
    if (definition && std::ranges::find(names, name) != names.end()) return true;
  }
  return false;
}

// Where the SDK is, unless the arguments tell CMake so: then another place of an earlier build is
// forgotten.
Result<std::string> placeOfSdk(const BuildContext& context) {
  if (defines(context.request.arguments, {"CMAKE_PREFIX_PATH", "nimbus_DIR", "nimbus_ROOT"}))
    return "-Unimbus_DIR";
  TRY(const std::string package, findProviderSdk(context.tools, context.request.config.build.env));
  return "-Dnimbus_DIR=" + package;
}

// What project() says in the CMakeLists.txt, as CMake has read it.
Result<std::string> projectName(const fs::path& cache) {
  constexpr std::string_view kEntry = "CMAKE_PROJECT_NAME:STATIC=";
  TRY(const std::string text, readFile(cache.string(), kMaxCacheBytes));
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(kEntry)) return std::string(trim(line.substr(kEntry.size())));
  return fail(ErrorCode::kNotFound, cache.string() + " does not say the project's name");
}

class CppProviderBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "cpp-provider"; }

  [[nodiscard]] BuildProduct product() const override { return BuildProduct::kProgram; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return std::string(isProviderProject(folder) ? kCMakeLists : "");
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    const std::vector<std::string>& given = context.request.arguments;
    TRY(std::string sdk, placeOfSdk(context));
    TRY(const std::string cmake,
        context.tools.need("cmake", "providers in C++", "apt-get install cmake"));
    BuildStep configure{.arguments = {cmake, "-S", ".", "-B", std::string(kFolder)}};
    if (!defines(given, {"CMAKE_CXX_COMPILER"})) {
      TRY(const std::string compiler,
          findProviderCompiler(context.tools, context.request.config.build.env));
      configure.arguments.push_back("-DCMAKE_CXX_COMPILER=" + compiler);
    }
    configure.arguments.push_back(std::move(sdk));
    configure.arguments.push_back(
        fmt::format("-DCMAKE_BUILD_TYPE={}", context.debug() ? "Debug" : "Release"));
    append(configure.arguments, given);
    BuildStep build{.arguments = {cmake, "--build", std::string(kFolder)}};
    return BuildPlan{.steps = {std::move(configure), std::move(build)}};
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    const fs::path folder = context.folder / kFolder;
    TRY(const std::string name, projectName(folder / "CMakeCache.txt"));
    if (const fs::path program = folder / name; isThere(program)) return program;
    return fail(ErrorCode::kNotFound,
                fmt::format("CMake has made no {}: the provider is the program that has the name "
                            "of the project in CMakeLists.txt",
                            (folder / name).string()));
  }
};

}  // namespace

const LanguageBuilder& cppProviderBuilder() {
  static const CppProviderBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
