#include "plugin/config_file.h"

#include <gtest/gtest.h>

#include <thread>

#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

using Entries = HookContext::Entries;

class ConfigFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] Entries kept() const {
    const auto read = readConfigFile(path_);
    EXPECT_TRUE(read) << read.error().describe();
    return read.value_or(Entries());
  }
  TemporaryFolder folder_;
  const std::string path_ = folder_.path("plugins") + "/otel.config.json";
};

TEST_F(ConfigFileTest, KeepsWhatThePluginSetAndNothingThatWasConfiguredOverIt) {
  ASSERT_TRUE(changeConfigFile(path_, {{"region", "eu"}, {"old", "1"}}));
  // As a project configures it: one key over a kept one, one beside it.
  const Entries seen{{"old", "1"}, {"region", "of-the-project"}, {"token", "of-the-project"}};
  Entries after = seen;
  after["count"] = "2";
  after.erase("old");
  ASSERT_TRUE(changeConfigFile(path_, changesBetween(seen, after)));
  EXPECT_EQ(kept(), (Entries{{"count", "2"}, {"region", "eu"}}));
}

TEST_F(ConfigFileTest, WritesOfSeveralProcessesAllArrive) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([this, i] {
      EXPECT_TRUE(changeConfigFile(path_, {{std::to_string(i), std::string(10'000, 'x')}}));
    });
  }
  for (std::thread& each : writers) each.join();
  EXPECT_EQ(kept().size(), 8);
}

TEST_F(ConfigFileTest, DoesNotGrowBeyondItsBounds) {
  for (std::size_t i = 0; i < HookContext::kMaxEntries; i += 256) {
    ConfigChanges changes;
    for (std::size_t k = i; k < i + 256; ++k) changes.emplace(std::to_string(k), "");
    ASSERT_TRUE(changeConfigFile(path_, changes));
  }
  const auto full = changeConfigFile(path_, {{"more", ""}});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(kept().size(), HookContext::kMaxEntries);
}

TEST_F(ConfigFileTest, WithoutChangesOrAPathThereIsNoFile) {
  ASSERT_TRUE(changeConfigFile(path_, {}));
  ASSERT_TRUE(changeConfigFile("", {{"a", "b"}}));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace nimbus::plugin
