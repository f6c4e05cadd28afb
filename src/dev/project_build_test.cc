#include "dev/project_build.h"

#include <gtest/gtest.h>

#include "dev/test_support.h"
#include "wit/tools.h"

namespace nimbus::dev {
namespace {

// "Runs" a command that writes a component.
class FakeRunner final : public ProcessRunner {
 public:
  explicit FakeRunner(const ProjectFolder& folder) : folder_(folder) {}
  Result<ProcessOutcome> run(const ProcessSpec& spec) override {
    ran.push_back(spec);
    if (spec.sink) spec.sink(ProcessStream::kError, "compiling\n");
    folder_.write("out.wasm", wit::watToWasm("(component)", "test")->text());
    return ProcessOutcome{.exit_status = status, .output = {}, .error = {}};
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kInternal, "not by a build");
  }
  int status = 0;
  std::vector<ProcessSpec> ran;

 private:
  const ProjectFolder& folder_;
};

class ProjectBuildTest : public ::testing::Test {
 protected:
  ProjectBuildTest() {
    project_.component = "app";
    project_.folder = folder_.path();
    project_.build.command = "make it";
    project_.build.env = {{"CC", "clang"}};
    project_.build.component_path = "out.wasm";
  }
  Result<Built> build() {
    return buildPlanned(project_, {}, {runner_, "/bin", "/bin/wash", [this](std::string_view text) {
                                         printed_ += text;
                                       }});
  }
  ProjectFolder folder_;
  PlannedProject project_;
  FakeRunner runner_{folder_};
  std::string printed_;
};

TEST_F(ProjectBuildTest, RunsThePlannedCommandAndPrintsWhatItPrints) {
  const auto built = build();
  ASSERT_TRUE(built) << built.error().describe();
  EXPECT_EQ(built->component_path, folder_.path("out.wasm"));
  ASSERT_EQ(runner_.ran.size(), 1U);
  EXPECT_EQ(runner_.ran[0].arguments.back(), "make it");
  EXPECT_EQ(runner_.ran[0].folder, folder_.path());
  EXPECT_NE(printed_.find("compiling\n"), std::string::npos);
}

TEST_F(ProjectBuildTest, ThePlanComesBeforeTheConfiguration) {
  auto config = std::make_shared<project::ProjectConfig>();
  config->build.command = "another";
  config->wit.wit_dir = "elsewhere";
  project_.config = config;
  EXPECT_EQ(buildConfigOf(project_).build.command, "make it");
  EXPECT_EQ(buildConfigOf(project_).wit.wit_dir, "elsewhere");
}

TEST_F(ProjectBuildTest, AFailureIsAnError) {
  runner_.status = 7;
  EXPECT_FALSE(build());
}

}  // namespace
}  // namespace nimbus::dev
