#include "dev/shell_build.h"

#include <gtest/gtest.h>

#include <optional>

namespace nimbus::dev {
namespace {

// Prints a line and ends with a status.
class FakeRunner final : public ProcessRunner {
 public:
  Result<ProcessOutcome> run(const ProcessSpec& spec) override {
    ran = spec;
    spec.sink(ProcessStream::kError, "compiling\n");
    return ProcessOutcome{.exit_status = status, .output = {}, .error = {}};
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kInternal, "not by a build");
  }
  int status = 0;
  std::optional<ProcessSpec> ran;
};

class ShellBuildTest : public ::testing::Test {
 protected:
  Result<Built> build(std::string component_path) {
    PlannedProject project;
    project.component = "app";
    project.folder = "/";
    project.command = "make it";
    project.environment = {{"CC", "clang"}};
    project.component_path = std::move(component_path);
    return buildByShell(project, {},
                        {runner_, clock_, [this](std::string_view text) { printed_ += text; }});
  }
  FakeRunner runner_;
  SystemClock clock_;
  std::string printed_;
};

TEST_F(ShellBuildTest, RunsTheCommandInTheFolderWithItsEnvironment) {
  const auto built = build("proc/self/comm");  // a regular file that is there
  ASSERT_TRUE(built) << built.error().describe();
  EXPECT_EQ(built->component_path, "/proc/self/comm");
  ASSERT_TRUE(runner_.ran);
  EXPECT_EQ(runner_.ran->arguments, (std::vector<std::string>{"sh", "-c", "make it"}));
  EXPECT_EQ(runner_.ran->folder, "/");
  using Variable = std::pair<std::string, std::string>;
  EXPECT_EQ(runner_.ran->environment,
            (std::vector<Variable>{{"CC", "clang"}, {"WASH_COMPONENT_PATH", "/proc/self/comm"}}));
  EXPECT_EQ(printed_, "compiling\n");
}

TEST_F(ShellBuildTest, AStatusIsAnErrorThatNamesTheCommand) {
  runner_.status = 7;
  const auto built = build("proc/self/comm");
  ASSERT_FALSE(built);
  EXPECT_TRUE(built.error().message().contains("status 7: make it")) << built.error().message();
}

TEST_F(ShellBuildTest, ABuildThatLeavesNothingIsAnErrorThatSaysWhereItWasWanted) {
  const auto built = build("missing/app.wasm");
  ASSERT_FALSE(built);
  EXPECT_TRUE(built.error().message().contains("/missing/app.wasm"));
}

}  // namespace
}  // namespace nimbus::dev
