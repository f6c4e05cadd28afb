// C and C++: CMake or make, with a Clang that compiles for WASI.

#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "project/languages/languages.h"
#include "project/languages/provider_sdk.h"
#include "project/languages/results.h"
#include "project/languages/wasi_clang.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCMakeFolder = "build/cmake";
constexpr int kResultDepth = 4;

std::string flagText(const WasiClang& clang) {
  return fmt::format("{}", fmt::join(clang.flags(), " "));
}

// Cross-compiling: https://cmake.org/cmake/help/latest/manual/cmake-toolchains.7.html
std::vector<std::string> toolchain(const WasiClang& clang) {
  std::vector<std::string> definitions = {
      "-DCMAKE_SYSTEM_NAME=Generic",
      "-DCMAKE_SYSTEM_PROCESSOR=wasm32",
      "-DCMAKE_EXECUTABLE_SUFFIX=.wasm",
      "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
      "-DCMAKE_C_COMPILER=" + clang.cc,
      "-DCMAKE_C_FLAGS_INIT=" + flagText(clang),
      "-DCMAKE_CXX_FLAGS_INIT=" + flagText(clang),
  };
  if (!clang.cxx.empty()) definitions.push_back("-DCMAKE_CXX_COMPILER=" + clang.cxx);
  if (!clang.ar.empty()) definitions.push_back("-DCMAKE_AR=" + clang.ar);
  if (!clang.ranlib.empty()) definitions.push_back("-DCMAKE_RANLIB=" + clang.ranlib);
  return definitions;
}

Result<BuildPlan> planCMake(const BuildContext& context, const WasiClang& clang) {
  TRY(const std::string cmake,
      context.tools.need("cmake", "projects with a CMakeLists.txt", "apt-get install cmake"));
  BuildStep configure{.arguments = {cmake, "-S", ".", "-B", std::string(kCMakeFolder)}};
  configure.arguments.push_back(
      fmt::format("-DCMAKE_BUILD_TYPE={}", context.debug() ? "Debug" : "MinSizeRel"));
  append(configure.arguments, toolchain(clang));
  append(configure.arguments, context.request.arguments);
  BuildStep build{.arguments = {cmake, "--build", std::string(kCMakeFolder)}};
  return BuildPlan{.steps = {std::move(configure), std::move(build)}};
}

Result<BuildPlan> planMake(const BuildContext& context, const WasiClang& clang) {
  TRY(const std::string make,
      context.tools.need("make", "projects with a Makefile", "apt-get install make"));
  BuildStep step{.arguments = {make}};
  append(step.arguments, context.request.arguments);
  step.environment = {{"CC", clang.cc + " " + flagText(clang)}};
  if (!clang.cxx.empty()) step.environment.emplace_back("CXX", clang.cxx + " " + flagText(clang));
  if (!clang.ar.empty()) step.environment.emplace_back("AR", clang.ar);
  if (context.debug()) step.environment.emplace_back("DEBUG", "1");
  return BuildPlan{.steps = {std::move(step)}};
}

class CBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "c"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    if (isProviderProject(folder)) return {};
    if (isThere(folder / kCMakeLists)) return std::string(kCMakeLists);
    if (isThere(folder / kMakefile)) return std::string(kMakefile);
    return {};
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    TRY(const WasiClang clang, findWasiClang(context.tools, context.request.config.build.env));
    Result<BuildPlan> plan = isThere(context.folder / kCMakeLists) ? planCMake(context, clang)
                                                                   : planMake(context, clang);
    if (plan && !clang.has_cxx_library) {
      plan->notes.push_back(fmt::format(
          "there is no C++ library for WASI: C++ needs {}, C does not", wasiCxxPackages()));
    }
    return plan;
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    if (isThere(context.folder / kCMakeLists)) {
      return onlyResult(findWasmFiles(context.folder / kCMakeFolder, kResultDepth), "CMake");
    }
    if (isWasmFile(context.output)) return context.output;
    return onlyResult(findWasmFiles(context.folder / "build", 0), "make");
  }
};

}  // namespace

const LanguageBuilder& cBuilder() {
  static const CBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
