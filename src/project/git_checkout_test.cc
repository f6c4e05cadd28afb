#include "project/git_checkout.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/build_test_support.h"
#include "project/test_support.h"

namespace nimbus::project {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

// A variable of this process, for one test.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = ::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (before_) {
      ::setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }

 private:
  std::string name_;
  std::optional<std::string> before_;
};

class GitCheckoutTest : public testing::Test {
 protected:
  GitCheckoutTest() {
    std::filesystem::create_directories(folder_.path("home"));
    std::filesystem::create_directories(repository());
    git({"init", "-q", "-b", "main"});
    commit("one.txt", "one");
  }

  [[nodiscard]] std::string repository() const { return folder_.path("repository"); }

  void git(std::vector<std::string> arguments) {
    std::vector<std::string> line = {"git",
                                     "-c",
                                     "user.name=x",
                                     "-c",
                                     "user.email=x@example.com",
                                     "-c",
                                     "protocol.file.allow=always"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const auto done = runner_.run({.arguments = line, .folder = repository()});
    ASSERT_TRUE(done);
    ASSERT_TRUE(done->ok()) << done->error;
  }
  void commit(const std::string& name, const std::string& content) {
    folder_.write("repository/" + name, content);
    git({"add", "--all"});
    git({"commit", "-q", "-m", name});
  }
  Result<GitCheckout> clone(const std::string& ref = "") {
    return GitCheckout::clone({"file://" + repository(), ref}, runner_, false, {});
  }
  // A shell line that leaves a trace, and has what a filter gets pass through.
  [[nodiscard]] std::string trace() const { return "touch " + ran() + "; cat"; }
  [[nodiscard]] std::string ran() const { return folder_.path("ran"); }
  [[nodiscard]] bool somethingRan() const { return std::filesystem::exists(ran()); }

  TestFolder folder_;
  SystemProcessRunner runner_;
  Variable home_{"HOME", folder_.path("home")};
};

TEST_F(GitCheckoutTest, BranchesTagsAndCommitsAreFound) {
  git({"tag", "v1"});
  git({"checkout", "-q", "-b", "side/way"});
  commit("two.txt", "two");
  git({"checkout", "-q", "main"});
  commit("three.txt", "three");
  const auto newest = clone();
  ASSERT_TRUE(newest) << newest.error().describe();
  EXPECT_TRUE(std::filesystem::exists(newest->path() / "three.txt"));
  const auto tag = clone("v1");
  ASSERT_TRUE(tag) << tag.error().describe();
  EXPECT_FALSE(std::filesystem::exists(tag->path() / "three.txt"));
  const auto branch = clone("side/way");
  ASSERT_TRUE(branch) << branch.error().describe();
  EXPECT_TRUE(std::filesystem::exists(branch->path() / "two.txt"));
  for (const std::string& name : {tag->commit(), tag->commit().substr(0, 12)}) {
    const auto by_commit = clone(name);
    ASSERT_TRUE(by_commit) << by_commit.error().describe();
    EXPECT_EQ(by_commit->commit(), tag->commit());
  }
  for (const char* name : {"none", "0123abcd"}) {
    const auto missing = clone(name);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().describe(), HasSubstr(name));
  }
}

TEST_F(GitCheckoutTest, WhatLooksLikeAnOptionIsNoUrlAndNoRef) {
  for (const std::string url : {"-uecho", "--upload-pack=touch x", ""}) {
    const auto cloned = GitCheckout::clone({url, ""}, runner_, false, {});
    ASSERT_FALSE(cloned);
    EXPECT_THAT(cloned.error().describe(), HasSubstr("is no place of a repository"));
  }
  const auto ref = clone("--orphan");
  ASSERT_FALSE(ref);
  EXPECT_THAT(ref.error().describe(), HasSubstr("is not a branch, tag or commit"));
}

TEST_F(GitCheckoutTest, TransportsThatRunProgramsAreRefused) {
  for (const std::string& url : {"ext::sh -c \"touch " + ran() + "\"", std::string("fd::7")})
    EXPECT_FALSE(GitCheckout::clone({url, ""}, runner_, false, {})) << url;
  // Nor does the user's configuration lead to one.
  folder_.write("home/.gitconfig", "[url \"ext::sh -c touch% " + ran() +
                                       " \"]\n\tinsteadOf = https://example.invalid/\n"
                                       "[protocol \"ext\"]\n\tallow = always\n");
  EXPECT_FALSE(GitCheckout::clone({"https://example.invalid/x", ""}, runner_, false, {}));
  EXPECT_FALSE(somethingRan());
}

TEST_F(GitCheckoutTest, NoFilterRunsAndLargeFilesStayPointers) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\n";
  folder_.write("repository/.gitattributes", "*.bin filter=lfs\n*.txt filter=own\n");
  commit("big.bin", pointer);
  folder_.write("home/.gitconfig", "[filter \"lfs\"]\n\tsmudge = " + trace() +
                                       "\n\trequired = true\n[filter \"own\"]\n\tsmudge = \"" +
                                       trace() + "\"\n");
  const auto cloned = clone();
  ASSERT_TRUE(cloned) << cloned.error().describe();
  std::ifstream file(cloned->path() / "big.bin");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), pointer);
  EXPECT_FALSE(somethingRan());
}

TEST_F(GitCheckoutTest, NoHookRunsWhereverItComesFrom) {
  for (const char* place : {"home/template/hooks/post-checkout", "home/hooks/post-checkout"}) {
    const std::string hook = folder_.write(place, "#!/bin/sh\ntouch " + ran() + "\n");
    std::filesystem::permissions(hook, std::filesystem::perms::owner_all);
  }
  folder_.write("home/.gitconfig", "[init]\n\ttemplateDir = " + folder_.path("home/template") +
                                       "\n[core]\n\thooksPath = " + folder_.path("home/hooks") +
                                       "\n");
  const Variable of_a_template("GIT_TEMPLATE_DIR", folder_.path("home/template"));
  ASSERT_TRUE(clone());
  EXPECT_FALSE(somethingRan());
}

TEST_F(GitCheckoutTest, SubmodulesAreNotFollowed) {
  const std::string other = folder_.path("other");
  const auto copied = runner_.run({.arguments = {"cp", "-r", repository(), other}});
  ASSERT_TRUE(copied && copied->ok());
  git({"submodule", "add", "-q", other, "part"});
  git({"commit", "-q", "-m", "part"});
  folder_.write("home/.gitconfig",
                "[submodule]\n\trecurse = true\n[protocol \"file\"]\n\tallow = always\n");
  const auto cloned = clone();
  ASSERT_TRUE(cloned) << cloned.error().describe();
  EXPECT_TRUE(std::filesystem::is_empty(cloned->path() / "part"));
}

TEST_F(GitCheckoutTest, TheRepositoryInWhichTheProgramRunsIsLeftAlone) {
  const std::string mine = folder_.path("mine");
  const auto made = runner_.run({.arguments = {"git", "init", "-q", mine}});
  ASSERT_TRUE(made && made->ok());
  const Variable folder("GIT_DIR", mine + "/.git");
  const Variable tree("GIT_WORK_TREE", mine);
  const Variable index("GIT_INDEX_FILE", mine + "/.git/index");
  const auto cloned =
      GitCheckout::clone({"file://" + repository() + "/.git", "main"}, runner_, false, {});
  ASSERT_TRUE(cloned) << cloned.error().describe();
  EXPECT_TRUE(std::filesystem::exists(cloned->path() / "one.txt"));
  EXPECT_FALSE(std::filesystem::exists(mine + "/one.txt"));
}

TEST(GitCommands, AskNobodyAndDoNotRunForEver) {
  FakeRunner runner([](const ProcessSpec& spec) -> Result<ProcessOutcome> {
    EXPECT_TRUE(spec.timeout.has_value());
    EXPECT_FALSE(spec.inherit_environment);
    return fail(ErrorCode::kDeadlineExceeded, "too slow");
  });
  const GitSource source{"https://example.invalid/x", "main"};
  const auto cloned = GitCheckout::clone(source, runner, false, {});
  ASSERT_FALSE(cloned);
  EXPECT_EQ(cloned.error().code(), ErrorCode::kDeadlineExceeded);
  ASSERT_EQ(runner.calls.size(), 1U);  // what takes too long is not tried in another way
  EXPECT_THAT(runner.environments.front(), Contains(Pair("GIT_TERMINAL_PROMPT", "0")));
  EXPECT_THAT(runner.environments.front(), Contains(Pair("SSH_ASKPASS_REQUIRE", "force")));
  ASSERT_FALSE(GitCheckout::clone(source, runner, true, {}));
  EXPECT_THAT(runner.environments.back(), Contains(Pair("GIT_TERMINAL_PROMPT", "1")));
  EXPECT_THAT(runner.environments.back(), Not(Contains(Pair("SSH_ASKPASS_REQUIRE", "force"))));
}

TEST(GitCommands, FilesThatAreTooManyAreNotWritten) {
  FakeRunner runner([](const ProcessSpec& spec) -> Result<ProcessOutcome> {
    ProcessOutcome outcome;
    if (testing::Matches(Contains("ls-tree"))(spec.arguments))
      outcome.output = "100644 blob 0123 3\ta\n100644 blob 4567 2147483648\tb\n";
    return outcome;
  });
  const auto cloned = GitCheckout::clone({"https://example.invalid/x", ""}, runner, false, {});
  ASSERT_FALSE(cloned);
  EXPECT_EQ(cloned.error().code(), ErrorCode::kResourceExhausted);
  for (const auto& call : runner.calls) EXPECT_THAT(call, Not(Contains("reset")));
}

}  // namespace
}  // namespace nimbus::project
