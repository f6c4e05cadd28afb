#include "plugin/hook_context.h"

#include <gtest/gtest.h>

namespace nimbus::plugin {
namespace {

TEST(HookContext, GivesBackTheOldValueWhenOneIsReplacedOrErased) {
  HookContext context({{"path", "a.wasm"}});
  EXPECT_EQ(context.set("path", "b.wasm").value(), "a.wasm");
  EXPECT_EQ(context.set("digest", "x").value(), std::nullopt);
  EXPECT_EQ(context.get("path"), "b.wasm");
  EXPECT_EQ(context.erase("path"), "b.wasm");
  EXPECT_EQ(context.erase("path"), std::nullopt);
  EXPECT_EQ(context.keys(), std::vector<std::string>{"digest"});
}

TEST(HookContext, FindsWhatIsBelowAPrefix) {
  const HookContext context(
      {{"dev.environment", "no"}, {"dev.environment.A", "1"}, {"dev.environment.B", "2"}});
  EXPECT_EQ(context.below("dev.environment."), (HookContext::Entries{{"A", "1"}, {"B", "2"}}));
}

TEST(HookContext, IsBounded) {
  HookContext context;
  for (std::size_t at = 0; at < HookContext::kMaxEntries; ++at) {
    ASSERT_TRUE(context.set(std::to_string(at), "v"));
  }
  EXPECT_EQ(context.set("one more", "v").error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(context.set("0", "w"));
  EXPECT_FALSE(context.set("0", std::string(HookContext::kMaxTotalBytes, 'x')));
  EXPECT_EQ(context.get("0"), "w");
  context.erase("0");
  EXPECT_FALSE(context.set(std::string(HookContext::kMaxKeyBytes + 1, 'k'), "v"));
  EXPECT_TRUE(context.set("one more", "v"));
}

}  // namespace
}  // namespace nimbus::plugin
