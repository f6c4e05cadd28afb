#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "project/settings.h"
#include "project/toolbox.h"

// What a provider in C++ is built with: an installed Nimbus, and a compiler that it takes.
namespace nimbus::project {

// The least version of clang++.
inline constexpr int kOldestProviderClang = 22;
inline constexpr std::string_view kHowToGetProviderCompiler =
    "apt-get install clang-22, or set CXX to a newer clang++";

// Whether the CMakeLists.txt of that folder asks for the package `nimbus`.
[[nodiscard]] bool isProviderProject(const std::filesystem::path& folder);

// The folder of the package (`nimbus_DIR` of CMake) in the first prefix that has one: those of
// CMAKE_PREFIX_PATH, of the programs on PATH, /usr/local, /usr. kNotFound says how to install it.
// `environment` goes before that of this process.
[[nodiscard]] Result<std::string> findProviderSdk(const Toolbox& tools,
                                                  const StringMap& environment);

// CXX, if it is set; else the newest clang++ from 22 on, else one whose name says no version.
[[nodiscard]] Result<std::string> findProviderCompiler(const Toolbox& tools,
                                                       const StringMap& environment);

}  // namespace nimbus::project
