#include "plugin/hook_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using types::Phase;

// Each hook that is called fails, and so tells that it was: none of the binaries is what was
// installed, which is found out before one is run.
class HookRunnerTest : public testing::Test {
 protected:
  void add(const std::string& name, std::vector<types::Hook> hooks) {
    Plugin plugin;
    plugin.info = infoNamed(name);
    plugin.info.metadata.hooks = std::move(hooks);
    plugin.digest = "sha256:" + std::string(64, '0');
    plugin.wasm_path = folder_.path(name + ".wasm");
    folder_.write(name + ".wasm", "another");
    plugins_.push_back(std::move(plugin));
  }
  HookRunner runner() { return {plugins_, runtime_, "oci push", {}, *log_}; }
  // What those say that fail.
  std::vector<std::string> callAfter(int exit_status) {
    std::vector<std::string> failures;
    HookRunner hooks = runner();
    for (const Plugin& plugin : hooks.following()) {
      if (const auto done = hooks.after(plugin, context_, exit_status); !done)
        failures.push_back(done.error().describe());
    }
    return failures;
  }

  static PluginRuntimeOptions options(const std::string& folder) {
    PluginRuntimeOptions options;
    options.engine.compile_threads = 1;
    options.plugins_folder = folder;
    return options;
  }

  TemporaryFolder folder_;
  SystemProcessRunner programs_;
  FakeConsent consent_;
  const SystemClock clock_;
  std::vector<std::string> lines_;
  const std::unique_ptr<Logger> log_ =
      makeLogger([this](std::string_view line) { lines_.emplace_back(line); }, LogLevel::kWarn,
                 LogFormat::kText, clock_);
  PluginRuntime runtime_{options(folder_.path()), programs_, consent_, *log_, clock_};
  std::vector<Plugin> plugins_;
  HookContext context_;
};

TEST_F(HookRunnerTest, TheFirstFailureBeforeACommandStopsTheHooksBehind) {
  add("a", {{Phase::kAfter, "*"}, {Phase::kBefore, "oci pull"}});
  add("b", {{Phase::kBefore, "oci *"}});
  add("c", {{Phase::kBefore, "*"}});
  const auto before = runner().before(context_);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(before.error().describe(), HasSubstr("plugin b, before oci push: "));
}

TEST_F(HookRunnerTest, FailuresBeforeACommandThatNoneMayStopAreWarnings) {
  add("a", {{Phase::kBefore, "*"}});
  add("b", {{Phase::kBefore, "oci push"}});
  EXPECT_TRUE(runner().before(context_, HookRunner::Failure::kWarns));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("plugin a, before oci push: "),
                                  HasSubstr("plugin b, before oci push: ")));
}

TEST_F(HookRunnerTest, AllHooksAfterACommandAreCalledWhateverFails) {
  add("a", {{Phase::kAfter, "*"}});
  add("b", {{Phase::kBefore, "*"}});
  add("c", {{Phase::kAfter, "oci push"}});
  EXPECT_THAT(callAfter(0), ElementsAre(HasSubstr("plugin a, after oci push: "),
                                        HasSubstr("plugin c, after oci push: ")));
}

TEST_F(HookRunnerTest, APluginThatTheCommandRemovedIsNotCalledAfterIt) {
  add("a", {{Phase::kAfter, "*"}});
  std::filesystem::remove(plugins_[0].wasm_path);
  EXPECT_THAT(callAfter(0), IsEmpty());
}

TEST_F(HookRunnerTest, NothingIsCalledThatHasNoHookOfTheCommand) {
  add("a", {{Phase::kBefore, "build"}, {Phase::kAfter, "dev"}});
  EXPECT_FALSE(wantsHooks(plugins_, "oci push"));
  EXPECT_TRUE(wantsHooks(plugins_, "dev"));
  EXPECT_TRUE(runner().before(context_));
  EXPECT_THAT(callAfter(1), IsEmpty());
}

}  // namespace
}  // namespace nimbus::plugin
