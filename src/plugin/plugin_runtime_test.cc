#include "plugin/plugin_runtime.h"

#include <gtest/gtest.h>

#include <memory>

#include "plugin/config_file.h"
#include "plugin/served_plugins.h"
#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

// What stands of a plugin that declares that it reads the project's folder.
class StandingTest : public ::testing::Test {
 protected:
  StandingTest() {
    plugin_.info = infoNamed("otel");
    plugin_.info.abi = Abi::kNimbus010;
    plugin_.info.metadata.capabilities.files.push_back({"project", types::Access::kRead, ""});
    plugin_.digest = "sha256:" + std::string(64, 'a');
    plugin_.config_path = folder_.path("otel.config.json");
    PluginRuntimeOptions options;
    options.plugins_folder = folder_.path("plugins");
    options.permissions.project_folder = "/the/project";
    runtime_.emplace(std::move(options), runner_, consent_, *log_, clock_);
  }
  [[nodiscard]] std::unique_ptr<PluginRuntime::Standing> standing() {
    return runtime_->standing(plugin_).value();
  }
  // The name under which components call it.
  [[nodiscard]] std::string name() { return ServedPlugins::nameOf(*standing()); }

  TemporaryFolder folder_;
  SystemProcessRunner runner_;
  FakeConsent consent_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
  SystemClock clock_;
  Plugin plugin_;
  std::optional<PluginRuntime> runtime_;
};

TEST_F(StandingTest, ServesByTheSameNameWhateverThePluginKeeps) {
  const std::string before = name();
  EXPECT_TRUE(before.starts_with("plugin-"));
  ASSERT_TRUE(changeConfigFile(plugin_.config_path, {{"count", "1"}}));
  EXPECT_EQ(standing()->config.get("count"), "1");
  EXPECT_EQ(name(), before);
  plugin_.digest.back() = 'b';
  EXPECT_NE(name(), before);
}

TEST_F(StandingTest, ServesByAnotherNameOnceItsFoldersAreOthers) {
  const std::string before = name();
  ASSERT_TRUE(runtime_->settleNeeds(plugin_, Settling::kAgree));
  const std::string with_folder = name();
  EXPECT_NE(with_folder, before);
  GrantBook book(folder_.path("plugins"));
  EXPECT_EQ(*book.revoke("otel"), 1);
  EXPECT_EQ(name(), before);
}

TEST_F(StandingTest, IsByTheRulesAndTheConfigurationOfNow) {
  const std::string before = name();
  runtime_->configure({*parseAllowRule("otel:declared")}, {});
  EXPECT_EQ(standing()->permissions.folders().size(), 1);
  const std::string by_rule = name();
  EXPECT_NE(by_rule, before);
  runtime_->configure({}, {{"otel", {{"port", "1"}}}});
  EXPECT_EQ(standing()->config.get("port"), "1");
  EXPECT_TRUE(standing()->permissions.folders().empty());
  EXPECT_NE(name(), before);
  EXPECT_NE(name(), by_rule);
  // What is said of another plugin changes nothing.
  runtime_->configure({*parseAllowRule("other:declared")}, {{"other", {{"port", "1"}}}});
  EXPECT_EQ(name(), before);
}

}  // namespace
}  // namespace nimbus::plugin
