#include "project/value_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/test_support.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

// Answers as git does: 0 for what is ignored, 1 for what is not, 128 outside of a repository.
class FakeGit final : public ProcessRunner {
 public:
  int status = 128;

  Result<ProcessOutcome> run(const ProcessSpec&) override {
    return ProcessOutcome{.exit_status = status, .output = {}, .error = {}};
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kUnsupported, "nothing is started");
  }
};

class Values : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view content, unsigned mode = 0600) {
    fs::permissions(files_.write(name, content), static_cast<fs::perms>(mode));
  }
  Result<ResolvedValues> resolve() {
    ValueResolver resolver(
        files_.path("project"),
        [](std::string_view name) {
          return name == "TOKEN" ? std::optional<std::string>("t") : std::nullopt;
        },
        git_);
    return resolver.resolve("workload", layer_, config_);
  }
  std::string failure(ErrorCode code) {
    const auto resolved = resolve();
    if (resolved) return "it was resolved";
    EXPECT_EQ(resolved.error().code(), code);
    return files_.withoutFolder(resolved.error().message());
  }
  SecretSource& secret() {
    layer_.secret_from = {"s"};
    return config_.secrets["s"];
  }

  TestFolder files_;
  FakeGit git_;
  ValueLayer layer_;
  ProjectConfig config_;
};

TEST_F(Values, LaterSourcesWin) {
  write("project/c.env", "B=file\nC=file\n", 0644);
  layer_ = {{{"A", "inline"}, {"B", "inline"}}, {"c"}, {"s"}};
  config_.configs["c"] = {{{"C", "source"}}, "c.env", "", {}};
  config_.secrets["s"].from_env = {"TOKEN"};
  const auto resolved = resolve();
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_THAT(resolved->values, ElementsAre(Pair("A", "inline"), Pair("B", "file"),
                                            Pair("C", "file"), Pair("TOKEN", "t")));
  EXPECT_THAT(resolved->files, ElementsAre(files_.path("project/c.env")));
}

TEST_F(Values, RefusesSecretsThatOthersCanRead) {
  write("project/s.env", "PASSWORD=hunter2\n", 0640);
  secret().file = "s.env";
  const std::string message = failure(ErrorCode::kPermissionDenied);
  EXPECT_THAT(message, HasSubstr("project/s.env has mode 0640"));
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  write("project/s.env", "PASSWORD=hunter2\n", 0400);
  EXPECT_TRUE(resolve());
}

TEST_F(Values, RefusesWhatLeadsOutOfTheProject) {
  write("outside.env", "A=1\n");
  fs::create_directories(files_.path("project"));
  secret().file = "../outside.env";
  EXPECT_EQ(failure(ErrorCode::kPermissionDenied),
            "secrets.s.file: \"../outside.env\" is not within the project");
  secret().file = files_.path("outside.env");
  EXPECT_THAT(failure(ErrorCode::kPermissionDenied), HasSubstr("is not within the project"));
}

TEST_F(Values, FollowsNoLink) {
  write("outside/s.env", "A=1\n");
  fs::create_directories(files_.path("project"));
  fs::create_symlink(files_.path("outside/s.env"), files_.path("project/s.env"));
  fs::create_symlink(files_.path("outside"), files_.path("project/folder"));
  for (const char* path : {"s.env", "folder/s.env"}) {
    secret().file = path;
    EXPECT_THAT(failure(ErrorCode::kPermissionDenied), HasSubstr("leads through a link")) << path;
  }
}

TEST_F(Values, ReadsAFolderAsKubernetesMountsIt) {
  write("project/mount/..data/one", "1\n");
  write("project/mount/two", "2");
  fs::create_symlink("..data/one", files_.path("project/mount/one"));
  secret().dir = "mount";
  const auto resolved = resolve();
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_THAT(resolved->values, ElementsAre(Pair("one", "1\n"), Pair("two", "2")));
}

TEST_F(Values, RefusesLinksThatLeaveTheirFolder) {
  write("project/other", "x");
  fs::create_directories(files_.path("project/mount"));
  fs::create_symlink("../other", files_.path("project/mount/one"));
  secret().dir = "mount";
  EXPECT_THAT(failure(ErrorCode::kPermissionDenied), HasSubstr("leads out of its folder"));
}

TEST_F(Values, WarnsOfSecretsThatGitWouldPublish) {
  write("project/s.env", "A=1\n");
  secret().file = "s.env";
  git_.status = 1;
  EXPECT_THAT(resolve()->warnings, ElementsAre(HasSubstr("a commit would publish the secret")));
  git_.status = 0;
  EXPECT_THAT(resolve()->warnings, IsEmpty());
}

TEST_F(Values, NamesWhatIsMissing) {
  secret().from_env = {"NOBODY"};
  EXPECT_EQ(failure(ErrorCode::kNotFound), "secrets.s.fromEnv: the variable \"NOBODY\" is not set");
  secret() = {};
  secret().file = "missing.env";
  fs::create_directories(files_.path("project"));
  EXPECT_EQ(failure(ErrorCode::kNotFound), "project/missing.env does not exist");
  layer_.secret_from = {"nobody"};
  EXPECT_EQ(failure(ErrorCode::kNotFound), "workload: there is no \"nobody\" in secrets");
}

}  // namespace
}  // namespace nimbus::project
