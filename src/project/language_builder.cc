#include "project/language_builder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "project/languages/languages.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhatToSet = "set build.language or build.command in .wash/config.yaml";

// What else build.language may say.
std::string_view canonicalName(std::string_view language) {
  if (language == "typescript" || language == "js" || language == "ts") return "javascript";
  if (language == "cpp" || language == "c++") return "c";
  if (language == "c#" || language == "dotnet") return "csharp";
  return language;
}

std::string builderNames() {
  std::vector<std::string_view> names;
  for (const LanguageBuilder* builder : languageBuilders()) names.push_back(builder->language());
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<const LanguageBuilder*> builderNamed(std::string_view language) {
  for (const LanguageBuilder* builder : languageBuilders()) {
    if (builder->language() == canonicalName(language)) return builder;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("build.language: there is no builder for \"{}\"; there are: {}", language,
                          builderNames()));
}

}  // namespace

fs::path BuildContext::coreModule() const {
  return fs::path(output).replace_extension(".core.wasm");
}

const std::vector<const LanguageBuilder*>& languageBuilders() {
  static const std::vector<const LanguageBuilder*> kBuilders = {
      &cBuilder(),          &cppProviderBuilder(), &csharpBuilder(), &goBuilder(),
      &javascriptBuilder(), &pythonBuilder(),      &rustBuilder(),   &tinygoBuilder()};
  return kBuilders;
}

Result<const LanguageBuilder*> findBuilder(const fs::path& folder, const BuildSettings& settings) {
  if (!settings.language.empty()) return builderNamed(settings.language);
  std::vector<const LanguageBuilder*> fitting;
  std::vector<std::string> reasons;
  const LanguageBuilder* makefile = nullptr;
  for (const LanguageBuilder* builder : languageBuilders()) {
    const std::string marker = builder->marker(folder);
    if (marker.empty()) continue;
    if (marker == kMakefile) {
      makefile = builder;  // many a project has one beside its language's own file
      continue;
    }
    fitting.push_back(builder);
    reasons.push_back(fmt::format("{} ({})", marker, builder->language()));
  }
  if (fitting.empty() && makefile != nullptr) return makefile;
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has no file that says how it is built (Cargo.toml, go.mod, "
                            "package.json, pyproject.toml, CMakeLists.txt, Makefile, *.csproj): {}",
                            folder.string(), kWhatToSet));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} can be built in more than one way: {}; {}", folder.string(),
                          fmt::join(reasons, ", "), kWhatToSet));
}

}  // namespace nimbus::project
