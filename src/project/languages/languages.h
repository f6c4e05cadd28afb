#pragma once

#include <string_view>

#include "project/language_builder.h"

// One function per language; each builder stands in a file of its name. Internal to src/project.
namespace nimbus::project {

inline constexpr std::string_view kMakefile = "Makefile";
inline constexpr std::string_view kCMakeLists = "CMakeLists.txt";

[[nodiscard]] const LanguageBuilder& cBuilder();
[[nodiscard]] const LanguageBuilder& cppProviderBuilder();
[[nodiscard]] const LanguageBuilder& csharpBuilder();
[[nodiscard]] const LanguageBuilder& goBuilder();
[[nodiscard]] const LanguageBuilder& javascriptBuilder();
[[nodiscard]] const LanguageBuilder& pythonBuilder();
[[nodiscard]] const LanguageBuilder& rustBuilder();
[[nodiscard]] const LanguageBuilder& tinygoBuilder();

}  // namespace nimbus::project
