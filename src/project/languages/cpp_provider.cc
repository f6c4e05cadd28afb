// A provider in C++: CMake with the compiler of this machine, and an installed Nimbus. What comes
// out is a program, and no component.

#include <filesystem>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "host/files.h"
#include "project/languages/languages.h"
#include "project/languages/provider_sdk.h"
#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "build";
constexpr std::size_t kMaxCacheBytes = std::size_t{4} << 20;

// What project() says in the CMakeLists.txt, as CMake has read it.
Result<std::string> projectName(const fs::path& cache) {
  constexpr std::string_view kEntry = "CMAKE_PROJECT_NAME:STATIC=";
  TRY(const std::string text, host::readFile(cache.string(), kMaxCacheBytes));
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(kEntry)) return std::string(trim(line.substr(kEntry.size())));
  return fail(ErrorCode::kNotFound, cache.string() + " does not say the project's name");
}

class CppProviderBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "cpp-provider"; }

  [[nodiscard]] BuildProduct product() const override { return BuildProduct::kProgram; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return isProviderProject(folder) ? "CMakeLists.txt" : "";
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    const StringMap& environment = context.request.config.build.env;
    TRY(const std::string package, findProviderSdk(context.tools, environment));
    TRY(const std::string compiler, findProviderCompiler(context.tools, environment));
    TRY(const std::string cmake,
        context.tools.need("cmake", "providers in C++", "apt-get install cmake"));
    BuildStep configure{.arguments = {cmake, "-S", ".", "-B", std::string(kFolder),
                                      "-DCMAKE_CXX_COMPILER=" + compiler,
                                      "-Dnimbus_DIR=" + package}};
    configure.arguments.push_back(
        fmt::format("-DCMAKE_BUILD_TYPE={}", context.debug() ? "Debug" : "Release"));
    append(configure.arguments, context.request.arguments);
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
