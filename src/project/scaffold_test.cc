#include "project/scaffold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "project/build_test_support.h"
#include "project/builtin_templates.h"
#include "project/language_builder.h"
#include "project/template_folder.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string textOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> entriesOf(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

Template withFile(std::string path, std::string content) {
  Template result;
  result.has_placeholders = true;
  result.files.push_back({std::move(path), std::move(content)});
  return result;
}

TEST(FillPlaceholders, ReplacesItsOwnAndLeavesOtherBraces) {
  const StringMap values = {{"project-name", "hello"}, {"x", "{{x}}"}};
  EXPECT_EQ(*fillPlaceholders("a {{project-name}}-{{project-name}}", values), "a hello-hello");
  EXPECT_EQ(*fillPlaceholders("format!(\"{{unknown}} {{{project-name}}}\")", values),
            "format!(\"{{unknown}} {hello}\")");
  EXPECT_EQ(*fillPlaceholders("{{x}} {{", values), "{{x}} {{");  // values are not read again
  EXPECT_EQ(*fillPlaceholders("", values), "");
}

TEST(FillPlaceholders, IsBounded) {
  const StringMap values = {{"x", std::string(1000, 'x')}};
  EXPECT_EQ(fillPlaceholders("{{x}}{{x}}", values, 2000)->size(), 2000);
  EXPECT_EQ(fillPlaceholders("{{x}}{{x}}", values, 1999).error().code(),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(fillPlaceholders("abc", values, 2).error().code(), ErrorCode::kResourceExhausted);
}

TEST(CheckProjectName, TakesWhatEveryLanguageTakes) {
  EXPECT_TRUE(checkProjectName("my-app_2"));
  for (const std::string name : {"", "2app", "-x", "a b", "a/b", "..", "é", "a.b"}) {
    EXPECT_FALSE(checkProjectName(name)) << name;
  }
  EXPECT_FALSE(checkProjectName(std::string(65, 'a')));
}

TEST(Scaffold, FillsNamesInTextsAndPaths) {
  const BuildFolder folder;
  Template from = withFile("src/{{crate_name}}.txt", "{{project-name}} {{package-name}} {{wasi}}");
  from.variables["wasi"] = "0.2.12";
  ASSERT_TRUE(scaffold(from, "My-App", folder.root() / "new"));
  EXPECT_EQ(textOf(folder.root() / "new/src/my_app.txt"), "My-App my-app 0.2.12");
}

TEST(Scaffold, KeepsFilesThatMayBeRun) {
  const BuildFolder folder;
  Template from = withFile("run.sh", "#!/bin/sh\n");
  from.files.front().executable = true;
  ASSERT_TRUE(scaffold(from, "x", folder.root() / "new"));
  EXPECT_NE(fs::status(folder.root() / "new/run.sh").permissions() & fs::perms::owner_exec,
            fs::perms::none);
}

TEST(Scaffold, NeverOverwrites) {
  const BuildFolder folder;
  fs::create_directory(folder.root() / "empty");
  fs::create_symlink("nowhere", folder.root() / "link");
  for (const std::string taken : {"empty", "link"}) {
    const auto made = scaffold(withFile("a", ""), "x", folder.root() / taken);
    ASSERT_FALSE(made) << taken;
    EXPECT_EQ(made.error().code(), ErrorCode::kAlreadyExists);
  }
}

TEST(Scaffold, LeavesNothingBehindWhenItFails) {
  const BuildFolder folder;
  for (const std::string path : {"../out", "/etc/out", "a/../../out", "", "a/./b"}) {
    Template from = withFile("good", "");
    from.files.push_back({path, ""});
    const auto made = scaffold(from, "x", folder.root() / "new");
    ASSERT_FALSE(made) << path;
    EXPECT_THAT(made.error().message(), HasSubstr("leads out of the project"));
  }
  EXPECT_THAT(entriesOf(folder.root()), UnorderedElementsAre("bin", "project"));
}

TEST(Scaffold, MakesNothingOfARepository) {
  const BuildFolder folder;
  for (const std::string path : {"{{d}}git/config", ".git/hooks/pre-commit", "sub/.GiT/config",
                                 "sub/.git", "{{d}}g{{i}}t/config"}) {
    for (const bool filled : {true, false}) {
      Template from = withFile(path, "");
      from.has_placeholders = filled;
      from.variables = {{"d", "."}, {"i", "I"}};
      if (!filled && path.contains("{{")) continue;
      const auto made = scaffold(from, "x", folder.root() / "new");
      ASSERT_FALSE(made) << path;
      EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(made.error().message(), HasSubstr("repository itself"));
    }
  }
  Template usual = withFile(".gitignore", "");
  usual.files.push_back({".github/workflows/a.git", ""});
  EXPECT_TRUE(scaffold(usual, "x", folder.root() / "new"));
}

TEST(Scaffold, BoundsWhatPlaceholdersGrowTo) {
  const BuildFolder folder;
  Template bomb = withFile("a", "");
  bomb.variables["x"] = std::string(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 300; ++i) bomb.files.front().content += "{{x}}";
  EXPECT_EQ(scaffold(bomb, "x", folder.root() / "new").error().code(),
            ErrorCode::kResourceExhausted);
  Template many = withFile("a", "{{x}}");
  many.variables = bomb.variables;
  for (int i = 0; i < 300; ++i) many.files.push_back({"b" + std::to_string(i), "{{x}}"});
  EXPECT_EQ(scaffold(many, "x", folder.root() / "new").error().code(),
            ErrorCode::kResourceExhausted);
  Template path = withFile("{{x}}", "");
  path.variables = bomb.variables;
  EXPECT_FALSE(scaffold(path, "x", folder.root() / "new"));
  EXPECT_THAT(entriesOf(folder.root()), UnorderedElementsAre("bin", "project"));
}

TEST(BuiltinTemplates, AreWhole) {
  ASSERT_FALSE(builtinTemplates().empty());
  for (const TemplateInfo& info : builtinTemplates()) {
    const auto found = builtinTemplate(info.name, info.language);
    ASSERT_TRUE(found) << info.name;
    EXPECT_FALSE(info.description.empty());
    const BuildFolder folder;
    ASSERT_TRUE(scaffold(*found, "demo", folder.root() / "new")) << info.name;
    EXPECT_TRUE(fs::exists(folder.root() / "new/README.md")) << info.name;
    EXPECT_FALSE(fs::exists(folder.root() / "new" / kTemplateManifest));
    EXPECT_TRUE(findBuilder(folder.root() / "new", {})) << info.name << " " << info.language;
    for (const TemplateFile& file : found->files) {
      EXPECT_THAT(textOf(folder.root() / "new" / file.path),
                  testing::Not(AllOf(HasSubstr("{{"), HasSubstr("-name}}"))))
          << file.path;
    }
  }
  EXPECT_EQ(builtinTemplate("http-hello", "cobol").error().code(), ErrorCode::kNotFound);
}

TEST(TemplateFolder, IsCopiedAsItIsWithoutAManifest) {
  const BuildFolder folder;
  folder.write("from/a.txt", "{{project-name}}");
  folder.write("from/.git/config", "secret");
  folder.write("from/sub/.GIT/config", "secret");
  folder.write("from/sub/.git", "gitdir: elsewhere");
  folder.write("from/sub/b.txt", "");
  const auto read = readTemplateFolder(folder.root() / "from");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_FALSE(read->has_placeholders);
  ASSERT_TRUE(scaffold(*read, "demo", folder.root() / "new"));
  EXPECT_EQ(textOf(folder.root() / "new/a.txt"), "{{project-name}}");
  EXPECT_THAT(entriesOf(folder.root() / "new"), UnorderedElementsAre("a.txt", "sub"));
  EXPECT_THAT(entriesOf(folder.root() / "new/sub"), UnorderedElementsAre("b.txt"));
}

TEST(TemplateFolder, HasPlaceholdersWithAManifest) {
  const BuildFolder folder;
  folder.write("from/a.txt", "{{project-name}} {{colour}}");
  folder.write("from/wash-template.json",
               R"({"name": "mine", "language": "rust", "variables": {"colour": "blue"}})");
  const auto read = readTemplateFolder(folder.root() / "from");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->info.name, "mine");
  ASSERT_TRUE(scaffold(*read, "demo", folder.root() / "new"));
  EXPECT_EQ(textOf(folder.root() / "new/a.txt"), "demo blue");
}

TEST(TemplateFolder, RefusesLinks) {
  const BuildFolder folder;
  folder.write("from/a.txt", "");
  fs::create_symlink("/etc/passwd", folder.root() / "from/passwd");
  EXPECT_THAT(readTemplateFolder(folder.root() / "from").error().message(),
              HasSubstr("passwd is a link or a device"));
  EXPECT_EQ(readTemplateFolder(folder.root() / "none").error().code(), ErrorCode::kNotFound);
}

TEST(TemplateFolder, SubfoldersStayInside) {
  const BuildFolder folder;
  folder.write("from/a/x", "");
  fs::create_symlink(folder.root(), folder.root() / "from/out");
  EXPECT_EQ(*folderInside(folder.root() / "from", "a"), folder.root() / "from/a");
  for (const std::string bad : {"..", "a/../..", "/etc", "out"}) {
    EXPECT_THAT(folderInside(folder.root() / "from", bad).error().message(),
                HasSubstr("leads out of it"))
        << bad;
  }
  EXPECT_EQ(folderInside(folder.root() / "from", "none").error().code(), ErrorCode::kNotFound);
}

TEST(GitTemplate, IsClonedShallowOrCheckedOut) {
  const BuildFolder folder;
  FakeRunner runner([](const ProcessSpec& spec) -> Result<ProcessOutcome> {
    if (std::ranges::find(spec.arguments, "clone") != spec.arguments.end()) {
      fs::create_directories(spec.arguments.back() + "/sub");
      std::ofstream(spec.arguments.back() + "/sub/a.txt") << "x";
    }
    return ProcessOutcome{.exit_status = 0, .output = {}, .error = {}};
  });
  const auto plain = readGitTemplate({"https://example.com/t.git", "", "sub"}, runner, false, {});
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->files.front().path, "a.txt");
  EXPECT_THAT(runner.calls.front(), testing::Contains("--depth=1"));
  ASSERT_TRUE(readGitTemplate({"https://example.com/t.git", "v1", ""}, runner, false, {}));
  EXPECT_THAT(runner.calls, testing::Contains(testing::Contains("--branch=v1")));
  EXPECT_FALSE(readGitTemplate({"https://example.com/t.git", "--exec=x", ""}, runner, false, {}));
}

TEST(GitTemplate, PassesOnWhatGitSays) {
  FakeRunner runner([](const ProcessSpec&) {
    return ProcessOutcome{.exit_status = 128, .output = {}, .error = "fatal: no such thing\n"};
  });
  EXPECT_EQ(readGitTemplate({"x", "", ""}, runner, false, {}).error().message(),
            "fatal: no such thing");
}

TEST(TemplateManifest, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto parsed = parseTemplateManifest(text);
    return parsed ? "it is right" : parsed.error().message();
  };
  EXPECT_EQ(message(R"({"name": "a", "language": "c"})"), "it is right");
  EXPECT_EQ(message("[]"), "wash-template.json: not a JSON object");
  EXPECT_EQ(message(R"({"name": "a"})"), "wash-template.json: \"language\" must be a text");
  EXPECT_THAT(message(R"({"name": "a", "language": "c", "variables": {"x": 1}})"),
              HasSubstr("must have texts"));
  EXPECT_THAT(message(R"({"name": "a", "language": "c", "include": ["x"]})"),
              HasSubstr("must have objects"));
}

}  // namespace
}  // namespace nimbus::project
