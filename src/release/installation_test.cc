#include "release/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "net/test_support.h"

namespace nimbus::release {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Version kOld{1, 0, 0, {}};
const Version kNew{1, 1, 0, {}};

// Starts nothing: the program says what the test wants.
class FakeRunner final : public ProcessRunner {
 public:
  Result<ProcessOutcome> run(const ProcessSpec& spec) override {
    seen = spec.arguments;
    return outcome;
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kInternal, "nothing is started");
  }
  ProcessOutcome outcome;
  std::vector<std::string> seen;
};

class InstallationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write("bin/wash", "old program");
    write("lib/wash-1.0.0/a.so", "old library");
  }
  void write(const std::string& name, std::string_view text) {
    const fs::path path = folder_.path(name);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(folder_.path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Installation installation() {
    auto found = findInstallation(folder_.path("bin/wash"), kOld);
    EXPECT_TRUE(found) << found.error().describe();
    return *std::move(found);
  }
  static void stage(const Staging& staging, const Version& version) {
    const std::string libraries = staging.folder() + "/lib/wash-" + version.text();
    fs::create_directories(staging.folder() + "/bin");
    fs::create_directories(libraries);
    std::ofstream(staging.folder() + "/bin/wash") << "new program";
    std::ofstream(libraries + "/a.so") << "new library";
  }
  // Nothing but the two folders of an installation.
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TemporaryFolder folder_;
};

TEST_F(InstallationTest, IsFoundThroughLinks) {
  fs::create_symlink(folder_.path("bin/wash"), folder_.path("link"));
  const auto found = findInstallation(folder_.path("link"), kOld);
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_EQ(found->program, fs::canonical(folder_.path("bin/wash")).string());
}

TEST_F(InstallationTest, LeavesOtherProgramsAlone) {
  const auto found = findInstallation(folder_.path("bin/wash"), kNew);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(found.error().message(), HasSubstr("was not installed from a release"));
}

TEST_F(InstallationTest, IsReplacedByAnotherVersionBesideTheOldLibraries) {
  {
    const auto staging = Staging::create(installation());
    ASSERT_TRUE(staging);
    stage(*staging, kNew);
    const auto replaced = replace(installation(), *staging, kNew);
    ASSERT_TRUE(replaced) << replaced.error().describe();
  }
  EXPECT_EQ(read("bin/wash"), "new program");
  EXPECT_EQ(read("lib/wash-1.1.0/a.so"), "new library");
  EXPECT_EQ(read("lib/wash-1.0.0/a.so"), "old library");
  EXPECT_EQ(entries(), 2);
}

TEST_F(InstallationTest, IsReplacedByTheSameVersion) {
  {
    const auto staging = Staging::create(installation());
    ASSERT_TRUE(staging);
    stage(*staging, kOld);
    ASSERT_TRUE(replace(installation(), *staging, kOld));
  }
  EXPECT_EQ(read("lib/wash-1.0.0/a.so"), "new library");
  EXPECT_EQ(entries(), 2);
}

TEST_F(InstallationTest, IsAsItWasIfTheProgramCannotBeReplaced) {
  {
    const auto staging = Staging::create(installation());
    ASSERT_TRUE(staging);
    stage(*staging, kOld);
    fs::remove(staging->folder() + "/bin/wash");
    EXPECT_FALSE(replace(installation(), *staging, kOld));
  }
  EXPECT_EQ(read("bin/wash"), "old program");
  EXPECT_EQ(read("lib/wash-1.0.0/a.so"), "old library");
}

TEST_F(InstallationTest, ANewProgramHasToSayWhichItIs) {
  const auto staging = Staging::create(installation());
  ASSERT_TRUE(staging);
  FakeRunner runner;
  runner.outcome.output = "wash 1.1.0\ncommit: 1\n";
  EXPECT_TRUE(tryOut(*staging, kNew, runner));
  EXPECT_EQ(runner.seen.front(), staging->folder() + "/bin/wash");
  EXPECT_FALSE(tryOut(*staging, kOld, runner));
  runner.outcome.exit_status = 127;
  runner.outcome.error = "no such library";
  EXPECT_THAT(tryOut(*staging, kNew, runner).error().message(), HasSubstr("no such library"));
}

TEST_F(InstallationTest, TheOldProgramIsKept) {
  ASSERT_TRUE(backUp(installation(), folder_.path("kept")));
  EXPECT_EQ(read("kept"), "old program");
  EXPECT_FALSE(backUp(installation(), folder_.path("nowhere/kept")));
}

}  // namespace
}  // namespace nimbus::release
