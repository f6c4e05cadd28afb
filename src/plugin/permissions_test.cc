#include "plugin/permissions.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

using Texts = std::vector<std::string>;

class PermissionsTest : public ::testing::Test {
 protected:
  PermissionsTest() {
    addProgram("docker");
    addProgram("bash");
    addProgram("python3.12");
    options_.path_variable = programs_.path();
    options_.project_folder = "/the/project";
  }
  void addProgram(const std::string& name) {
    std::ofstream(programs_.path(name)) << "#!/bin/true\n";
    ::chmod(programs_.path(name).c_str(), 0755);
  }
  void makePluginsFolder() { ::mkdir(folder_.path("plugins").c_str(), 0700); }
  [[nodiscard]] Permissions old() { return of(oldInfo(), kDigest); }
  [[nodiscard]] Permissions of(const PluginInfo& info, const std::string& digest) {
    auto agreed = book_.agreedTo({info.metadata.name, digest});
    EXPECT_TRUE(agreed) << agreed.error().describe();
    return Permissions({info.metadata.name, digest}, info, options_, agreed.value_or(Agreed()),
                       book_, consent_);
  }
  [[nodiscard]] static PluginInfo oldInfo() {
    PluginInfo info = infoNamed("otel");
    info.abi = Abi::kWasmcloud002;
    return info;
  }
  [[nodiscard]] static PluginInfo declaring() {
    PluginInfo info = infoNamed("otel");
    info.metadata.capabilities.programs.push_back({"docker", {"run", "*"}, "to collect"});
    info.metadata.capabilities.files.push_back({"project", types::Access::kRead, "to look"});
    info.metadata.capabilities.hosts.push_back({"https://*.example.com", "to send"});
    return info;
  }
  static std::vector<bool> allowed(const std::vector<Need>& needs) {
    std::vector<bool> all;
    for (const Need& need : needs) all.push_back(need.allowed);
    return all;
  }
  static ErrorCode codeOf(const auto& result) {
    return result ? ErrorCode::kInternal : result.error().code();
  }

  const std::string kDigest = "sha256:" + std::string(64, 'a');
  TemporaryFolder programs_;
  TemporaryFolder folder_;
  PermissionOptions options_;
  GrantBook book_{folder_.path("plugins")};
  FakeConsent consent_;
};

TEST_F(PermissionsTest, AsksWithTheWholeCommandLineAndTakesNoForNo) {
  auto permissions = old();
  EXPECT_EQ(codeOf(permissions.program("docker", {"run", "a b"})), ErrorCode::kPermissionDenied);
  EXPECT_EQ(consent_.asked, Texts{"run " + programs_.path("docker") + " run \"a b\""});
  // Nor is one who said no asked again in this run.
  EXPECT_EQ(codeOf(permissions.program("docker", {"run", "a b"})), ErrorCode::kPermissionDenied);
  EXPECT_EQ(consent_.asked.size(), 1);
}

TEST_F(PermissionsTest, OnceIsForThisRunAndThisCommandLine) {
  consent_.answers = {Answer::kOnce};
  auto permissions = old();
  EXPECT_EQ(permissions.program("docker", {"run", "*"}), programs_.path("docker"));
  EXPECT_TRUE(permissions.program("docker", {"run", "*"}));
  EXPECT_FALSE(permissions.program("docker", {"run", "other"}));
  EXPECT_FALSE(old().program("docker", {"run", "*"}));
}

TEST_F(PermissionsTest, AlwaysIsRememberedForThisVersionOfThePlugin) {
  consent_.answers = {Answer::kAlways};
  EXPECT_TRUE(old().program("docker", {"run"}));
  EXPECT_TRUE(old().program("docker", {"run"}));
  EXPECT_FALSE(old().program("docker", {"stop"}));
  EXPECT_FALSE(of(oldInfo(), "sha256:" + std::string(64, 'b')).program("docker", {"run"}));
  EXPECT_EQ(*book_.revoke("otel"), 1);
  EXPECT_FALSE(old().program("docker", {"run"}));
}

TEST_F(PermissionsTest, WhatAnotherProcessTakesBackIsNotAllowedAnyMore) {
  consent_.answers = {Answer::kAlways, Answer::kOnce, Answer::kAlways};
  auto permissions = old();
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  EXPECT_TRUE(permissions.host("http", "127.0.0.1", 4318));
  GrantBook other(folder_.path("plugins"));
  EXPECT_EQ(*other.revoke("another"), 0);
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  EXPECT_TRUE(permissions.host("http", "127.0.0.1", 4318));
  EXPECT_EQ(consent_.asked.size(), 2);
  EXPECT_EQ(*other.revoke("otel"), 1);
  consent_.answers = {};
  EXPECT_EQ(codeOf(permissions.program("docker", {"run"})), ErrorCode::kPermissionDenied);
  // Nor what was agreed to for this run.
  EXPECT_EQ(codeOf(permissions.host("http", "127.0.0.1", 4318)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(consent_.asked.size(), 4);
}

TEST_F(PermissionsTest, WhatWasAgreedToForThisRunAloneIsTakenBackToo) {
  consent_.answers = {Answer::kOnce};
  auto permissions = old();
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(*GrantBook(folder_.path("plugins")).revoke("otel"), 0);
    EXPECT_EQ(codeOf(permissions.program("docker", {"run"})), ErrorCode::kPermissionDenied);
  }
  // One that begins after it has its own answers.
  consent_.answers = {Answer::kOnce};
  auto next = old();
  EXPECT_TRUE(next.program("docker", {"run"}));
  EXPECT_TRUE(next.program("docker", {"run"}));
}

TEST_F(PermissionsTest, WhatIsTakenBackAndAgreedToAgainIsAllThatIsLeft) {
  consent_.answers = {Answer::kAlways, Answer::kOnce};
  auto permissions = old();
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  EXPECT_TRUE(permissions.program("docker", {"stop"}));
  GrantBook other(folder_.path("plugins"));
  const auto before = other.of(kDigest);
  ASSERT_TRUE(before);
  EXPECT_EQ(*other.revoke("otel"), 1);
  ASSERT_TRUE(other.add({"otel", kDigest}, *before));
  EXPECT_TRUE(permissions.program("docker", {"run"}));
  EXPECT_EQ(codeOf(permissions.program("docker", {"stop"})), ErrorCode::kPermissionDenied);
}

TEST_F(PermissionsTest, WhatCannotBeRememberedIsNotAgreedTo) {
  makePluginsFolder();
  std::filesystem::create_directory(folder_.path("plugins/.lock"));  // in the way
  consent_.answers = {Answer::kAlways};
  auto permissions = old();
  EXPECT_FALSE(permissions.program("docker", {"run"}));
  EXPECT_FALSE(permissions.program("docker", {"run"}));
  EXPECT_EQ(consent_.asked.size(), 2);
}

TEST_F(PermissionsTest, AFileOfEarlierVersionsKnowsOfNoRevocation) {
  makePluginsFolder();
  std::ofstream(folder_.path("plugins/grants.json"))
      << R"({"version":1,"grants":[{"plugin":"otel","digest":")" << kDigest
      << R"(","kind":"host","subject":"a.example","arguments":[]}]})";
  EXPECT_TRUE(book_.check());
  const auto agreed = book_.agreedTo({"otel", kDigest});
  ASSERT_TRUE(agreed) << agreed.error().describe();
  EXPECT_EQ(agreed->grants.size(), 1);
  EXPECT_EQ(agreed->revocation, 0);
  EXPECT_TRUE(*book_.holds("otel"));
  EXPECT_FALSE(*book_.holds("other"));
  EXPECT_EQ(*book_.revoke("otel"), 1);
  EXPECT_FALSE(*book_.holds("otel"));
  EXPECT_NE(book_.agreedTo({"otel", kDigest})->revocation, 0);
}

TEST_F(PermissionsTest, WhatAnotherProcessIsToldIsAllowed) {
  auto permissions = of(declaring(), kDigest);
  EXPECT_FALSE(permissions.program("docker", {"run", "image"}));
  ASSERT_TRUE(of(declaring(), kDigest).settleNeeds(Settling::kAgree));
  EXPECT_TRUE(permissions.program("docker", {"run", "image"}));
  EXPECT_EQ(consent_.asked.size(), 1);
}

TEST_F(PermissionsTest, ShellsAndInterpretersNeedMoreThanAYes) {
  consent_.answers = {Answer::kAlways, Answer::kAlways};
  EXPECT_EQ(codeOf(old().program("bash", {"-c", "true"})), ErrorCode::kPermissionDenied);
  EXPECT_EQ(codeOf(old().program("python3.12", {})), ErrorCode::kPermissionDenied);
  // A link with an innocent name is what it leads to.
  ASSERT_EQ(::symlink(programs_.path("bash").c_str(), programs_.path("tool").c_str()), 0);
  EXPECT_EQ(codeOf(old().program("tool", {})), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(consent_.asked.empty());
  options_.allow_shell = true;
  EXPECT_TRUE(old().program("bash", {"-c", "true"}));
}

TEST(ShellTest, IsKnownByNameVersionAndVariant) {
  for (const char* name : {"sh",
                           "BASH",
                           "python3.11",
                           "perl5.36-x86_64-linux-gnu",
                           "Rscript",
                           "R",
                           "vim.basic",
                           "view",
                           "ex",
                           "flock",
                           "taskset",
                           "chrt",
                           "ionice",
                           "nice",
                           "setarch",
                           "setpriv",
                           "prlimit",
                           "chroot",
                           "start-stop-daemon",
                           "run-parts",
                           "env",
                           "xargs",
                           "find",
                           "git",
                           "npm",
                           "npx",
                           "cargo",
                           "cmake",
                           "ninja",
                           "make",
                           "gmake",
                           "ld-linux-x86-64.so.2",
                           "lua5.4",
                           "node-22"}) {
    EXPECT_TRUE(isShell(std::string("/nowhere/") + name)) << name;
  }
  for (const char* name : {"docker", "echo", "shasum", "finder", "gitlab", "expand", "viewer"})
    EXPECT_FALSE(isShell(std::string("/nowhere/") + name)) << name;
}

TEST_F(PermissionsTest, AnArgumentThatTheSystemWouldCutIsRefused) {
  options_.allow = {*parseAllowRule("otel:program docker run *.allowed")};
  auto permissions = old();
  const std::string cut = std::string("evil") + '\0' + ".allowed";
  EXPECT_EQ(codeOf(permissions.program("docker", {"run", cut})), ErrorCode::kPermissionDenied);
  EXPECT_FALSE(permissions.program(std::string("docker") + '\0', {"run", "x.allowed"}));
  EXPECT_TRUE(permissions.program("docker", {"run", "x.allowed"}));
  EXPECT_TRUE(consent_.asked.empty());
}

TEST_F(PermissionsTest, ProgramsThatAreNotThereAreNotFound) {
  EXPECT_EQ(codeOf(old().program("podman", {})), ErrorCode::kNotFound);
  EXPECT_EQ(codeOf(old().program("", {})), ErrorCode::kNotFound);
  EXPECT_TRUE(consent_.asked.empty());
}

TEST_F(PermissionsTest, RulesAllowWhereNobodyCanBeAsked) {
  options_.allow = {*parseAllowRule("otel:program docker run --name=* **"),
                    *parseAllowRule("otel:host 127.0.0.1:4318"),
                    *parseAllowRule("other:program docker **")};
  auto permissions = old();
  EXPECT_TRUE(permissions.program("docker", {"run", "--name=x", "image"}));
  EXPECT_FALSE(permissions.program("docker", {"stop"}));
  EXPECT_TRUE(permissions.host("http", "127.0.0.1", 4318));
  EXPECT_FALSE(permissions.host("http", "127.0.0.1", 80));
}

TEST_F(PermissionsTest, APluginThatDeclaresIsAskedForNothingElse) {
  consent_.answers = {Answer::kOnce};
  auto permissions = of(declaring(), kDigest);
  EXPECT_EQ(codeOf(permissions.program("docker", {"stop"})), ErrorCode::kPermissionDenied);
  EXPECT_EQ(codeOf(permissions.host("https", "example.org", 443)), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(consent_.asked.empty());
  EXPECT_TRUE(permissions.program("docker", {"run", "image"}));
  EXPECT_EQ(consent_.asked.size(), 1);
}

TEST_F(PermissionsTest, WhatIsDeclaredIsAskedForAtTheInstallation) {
  consent_.answers = {Answer::kOnce, Answer::kNo, Answer::kAlways};
  EXPECT_EQ(allowed(*of(declaring(), kDigest).settleNeeds(Settling::kAsk)),
            (std::vector{true, false, true}));
  EXPECT_EQ(consent_.asked.size(), 3);
  EXPECT_TRUE(consent_.lasting);
  auto permissions = of(declaring(), kDigest);
  EXPECT_TRUE(permissions.program("docker", {"run", "any"}));
  EXPECT_TRUE(permissions.folders().empty());
  EXPECT_TRUE(permissions.host("https", "a.example.com", 443));
  EXPECT_FALSE(permissions.host("http", "a.example.com", 80));
  EXPECT_EQ(consent_.asked.size(), 3);
}

TEST_F(PermissionsTest, WhatWasAgreedToIsNotAskedForAgain) {
  consent_.answers = {Answer::kOnce};
  ASSERT_TRUE(of(declaring(), kDigest).settleNeeds(Settling::kAsk));
  consent_.asked.clear();
  EXPECT_EQ(allowed(*of(declaring(), kDigest).settleNeeds(Settling::kAsk)),
            (std::vector{true, false, false}));
  EXPECT_EQ(consent_.asked.size(), 2);
}

TEST_F(PermissionsTest, AgreeingToAllAsksNothingAndLeavesOutShellsAndWhatIsNotThere) {
  PluginInfo info = declaring();
  info.metadata.capabilities.programs.push_back({"bash", {"-c", "*"}, ""});
  info.metadata.capabilities.programs.push_back({"nowhere", {}, ""});
  info.metadata.capabilities.programs.push_back({"/nowhere/at/all", {}, ""});
  const auto needs = *of(info, kDigest).settleNeeds(Settling::kAgree);
  EXPECT_EQ(allowed(needs), (std::vector{true, false, false, false, true, true}));
  EXPECT_TRUE(needs[1].present);
  EXPECT_FALSE(needs[2].present);
  EXPECT_FALSE(needs[3].present);
  EXPECT_TRUE(consent_.asked.empty());
  EXPECT_EQ(book_.of(kDigest)->size(), 3);
  EXPECT_TRUE(book_.of("sha256:" + std::string(64, 'b'))->empty());
  options_.allow_shell = true;
  EXPECT_TRUE((*of(info, kDigest).settleNeeds(Settling::kAgree))[1].allowed);
}

TEST_F(PermissionsTest, AnInstallationAsksOnlySoManyQuestions) {
  PluginInfo info = infoNamed("otel");
  for (int i = 0; i < 60; ++i)
    info.metadata.capabilities.hosts.push_back({"host-" + std::to_string(i), ""});
  ASSERT_TRUE(of(info, kDigest).settleNeeds(Settling::kAsk));
  EXPECT_LE(consent_.asked.size(), 32);
}

TEST_F(PermissionsTest, AFileOfGrantsThatIsDamagedGrantsNothingAndStopsNothing) {
  const std::string file = folder_.path("plugins/grants.json");
  for (const char* text : {"", "[]", R"({"version":1,"grants":[{"plugin":"otel"}]})"}) {
    ASSERT_TRUE(of(declaring(), kDigest).settleNeeds(Settling::kAgree));
    EXPECT_EQ(book_.of(kDigest)->size(), 3);
    EXPECT_TRUE(book_.check());
    std::ofstream(file) << text;
    EXPECT_TRUE(book_.of(kDigest)->empty());
    EXPECT_FALSE(book_.check());
    EXPECT_EQ(codeOf(of(declaring(), kDigest).program("docker", {"run", "x"})),
              ErrorCode::kPermissionDenied);
    EXPECT_FALSE(book_.check());
    EXPECT_EQ(*book_.revoke("otel"), 0);
    EXPECT_TRUE(book_.check());
    EXPECT_TRUE(std::filesystem::exists(file + ".damaged"));
  }
  std::ofstream(file) << "x";
  ASSERT_TRUE(book_.repair());
  EXPECT_TRUE(book_.check());
}

TEST_F(PermissionsTest, DeclaredStandsForAllOfIt) {
  options_.allow = {*parseAllowRule("otel:declared")};
  auto permissions = of(declaring(), kDigest);
  EXPECT_TRUE(permissions.program("docker", {"run", "any"}));
  ASSERT_EQ(permissions.folders().size(), 1);
  EXPECT_EQ(permissions.folders()[0].host_path, "/the/project");
  EXPECT_EQ(permissions.folders()[0].guest_path, "/project");
  EXPECT_TRUE(permissions.folders()[0].read_only);
  EXPECT_FALSE(old().program("docker", {"run", "any"}));  // it declares nothing
}

TEST_F(PermissionsTest, AVariableIsReadOnceThatIsAgreedTo) {
  PluginInfo info = oldInfo();
  info.metadata.command = commandNamed("otel");
  types::Flag& flag = info.metadata.command->flags.emplace_back();
  flag.name = "token";
  flag.env = "API_TOKEN";
  EXPECT_EQ(codeOf(of(info, kDigest).variable("API_TOKEN")), ErrorCode::kPermissionDenied);
  EXPECT_EQ(consent_.asked, Texts{"read the environment variable API_TOKEN"});
  // What no flag names is not even asked about.
  EXPECT_EQ(codeOf(of(info, kDigest).variable("GITHUB_TOKEN")), ErrorCode::kPermissionDenied);
  EXPECT_EQ(consent_.asked.size(), 1);
  consent_.answers = {Answer::kAlways};
  EXPECT_EQ(allowed(*of(info, kDigest).settleNeeds(Settling::kAsk)), std::vector{true});
  EXPECT_TRUE(of(info, kDigest).variable("API_TOKEN"));
  EXPECT_FALSE(of(info, "sha256:" + std::string(64, 'b')).variable("API_TOKEN"));
  EXPECT_EQ(*book_.revoke("otel"), 1);
  options_.allow = {*parseAllowRule("otel:env API_TOKEN")};
  EXPECT_TRUE(of(info, kDigest).variable("API_TOKEN"));
}

TEST_F(PermissionsTest, APluginCannotAskForEver) {
  auto permissions = old();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(permissions.program("docker", {std::to_string(i)}));
  EXPECT_LE(consent_.asked.size(), 32);
}

TEST(AllowRuleTest, SaysWhatIsWrong) {
  for (const char* text : {"", "otel", ":program x", "otel:", "otel:walk x", "otel:program",
                           "otel:read relative", "otel:host http://", "otel:program 'open"}) {
    EXPECT_FALSE(parseAllowRule(text)) << text;
  }
  const auto rule = parseAllowRule("otel:program 'my tool' a\\* \"b c\"");
  ASSERT_TRUE(rule) << rule.error().describe();
  EXPECT_EQ(rule->grant.subject, "my tool");
  EXPECT_EQ(rule->grant.arguments, (Texts{"a\\*", "b c"}));
}

}  // namespace
}  // namespace nimbus::plugin
