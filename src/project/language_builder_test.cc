#include "project/language_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/build_test_support.h"

namespace nimbus::project {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string languageOf(const BuildFolder& folder, const BuildSettings& settings = {}) {
  const auto builder = findBuilder(folder.project(), settings);
  return builder ? std::string((*builder)->language()) : builder.error().message();
}

BuildSettings inLanguage(std::string language) {
  BuildSettings settings;
  settings.language = std::move(language);
  return settings;
}

TEST(FindBuilder, KnowsEachLanguageByItsFile) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"Cargo.toml", "rust"},          {"go.mod", "go"},  {"package.json", "javascript"},
      {"pyproject.toml", "python"},    {"Makefile", "c"}, {"CMakeLists.txt", "c"},
      {"Hello.World.csproj", "csharp"}};
  for (const auto& [file, language] : files) {
    const BuildFolder folder;
    folder.write("project/" + file, "x");
    EXPECT_EQ(languageOf(folder), language) << file;
  }
}

TEST(FindBuilder, TellsTinyGoByTheModulesOfItsBindings) {
  const BuildFolder folder;
  folder.write("project/go.mod", "module x\nrequire go.bytecodealliance.org/cm v0.3.0\n");
  EXPECT_EQ(languageOf(folder), "tinygo");
}

TEST(FindBuilder, TellsAProviderByThePackageThatItIsLinkedWith) {
  const std::vector<std::pair<std::string, std::string>> lists = {
      {"find_package(nimbus REQUIRED)", "cpp-provider"},
      {"  Find_Package ( nimbus)", "cpp-provider"},
      {"if(x)\n  find_package(nimbus 0.1)\nendif()", "cpp-provider"},
      {"# find_package(nimbus REQUIRED)", "c"},
      {"find_package(nimbuslike)", "c"},
      {"message(nimbus)", "c"}};
  for (const auto& [text, language] : lists) {
    const BuildFolder folder;
    folder.write("project/CMakeLists.txt", text);
    EXPECT_EQ(languageOf(folder), language) << text;
  }
  const BuildFolder both;
  both.write("project/CMakeLists.txt", "find_package(nimbus REQUIRED)");
  both.write("project/Makefile", "");
  EXPECT_EQ(languageOf(both), "cpp-provider");
  EXPECT_EQ(languageOf(both, inLanguage("c")), "c");
}

TEST(FindBuilder, NamesAllFilesThatFit) {
  const BuildFolder folder;
  folder.write("project/Cargo.toml", "");
  folder.write("project/package.json", "{}");
  EXPECT_THAT(languageOf(folder),
              AllOf(HasSubstr("package.json (javascript), Cargo.toml (rust)"),
                    HasSubstr("set build.language or build.command in .wash/config.yaml")));
  EXPECT_EQ(languageOf(folder, inLanguage("rust")), "rust");
  EXPECT_EQ(languageOf(folder, inLanguage("typescript")), "javascript");
}

TEST(FindBuilder, TakesAMakefileOnlyWhereNothingElseSaysMore) {
  const BuildFolder folder;
  folder.write("project/Makefile", "");
  folder.write("project/Cargo.toml", "");
  EXPECT_EQ(languageOf(folder), "rust");
}

TEST(FindBuilder, SaysWhatItLooksFor) {
  const BuildFolder folder;
  EXPECT_THAT(languageOf(folder), AllOf(HasSubstr("Cargo.toml, go.mod"), HasSubstr("*.csproj")));
  EXPECT_THAT(
      languageOf(folder, inLanguage("cobol")),
      HasSubstr(
          "there is no builder for \"cobol\"; there are: c, cpp-provider, csharp, go, javascript"));
}

}  // namespace
}  // namespace nimbus::project
