#include "host/bindings/call_graph.h"

#include <gmock/gmock.h>

namespace nimbus::host {
namespace {

using testing::HasSubstr;

TEST(CallGraph, RefusesWhatClosesACycle) {
  CallGraph graph;
  const auto first = graph.add({"n/a", 1, "web"}, {"n/b", "api"});
  const auto second = graph.add({"n/b", 1, "api"}, {"n/c", "api"});
  ASSERT_TRUE(first && second);
  const auto third = graph.add({"n/c", 1, "api"}, {"n/a", "web"});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(third.error().message(), HasSubstr("n/c/api -> n/a/web -> n/b/api -> n/c/api"));
  EXPECT_FALSE(graph.add({"n/a", 1, "web"}, {"n/a", "web"}));
}

TEST(CallGraph, LetsWorkloadsCallEachOtherInDifferentComponents) {
  CallGraph graph;
  const auto there = graph.add({"n/a", 1, "web"}, {"n/b", "api"});
  const auto back = graph.add({"n/b", 1, "web"}, {"n/a", "api"});
  EXPECT_TRUE(there && back);
  EXPECT_FALSE(graph.add({"n/a", 1, "api"}, {"n/b", "web"}));
}

TEST(CallGraph, ForgetsAnEdgeWithItsOwner) {
  CallGraph graph;
  auto there = graph.add({"n/a", 1, "web"}, {"n/b", "api"});
  ASSERT_TRUE(there);
  EXPECT_FALSE(graph.add({"n/b", 1, "api"}, {"n/a", "web"}));
  there->reset();
  EXPECT_TRUE(graph.add({"n/b", 1, "api"}, {"n/a", "web"}));
}

// What the generation before did is no reason to refuse the next one.
TEST(CallGraph, LooksAtOneGenerationOfTheCallersWorkload) {
  CallGraph graph;
  const auto old = graph.add({"n/a", 1, "web"}, {"n/a", "api"});
  ASSERT_TRUE(old);
  EXPECT_TRUE(graph.add({"n/a", 2, "api"}, {"n/a", "web"}));
  EXPECT_FALSE(graph.add({"n/a", 1, "api"}, {"n/a", "web"}));
}

}  // namespace
}  // namespace nimbus::host
