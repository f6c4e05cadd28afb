#include "http/skipped_streams.h"

#include <limits>

#include <gtest/gtest.h>

namespace nimbus::http {
namespace {

TEST(SkippedStreamsTest, KnowsWhatWasPassedOver) {
  SkippedStreams streams;
  EXPECT_FALSE(streams.contains(1));
  streams.opened(1);
  streams.opened(3);
  streams.opened(9);
  for (const std::int32_t id : {1, 3, 9, 11}) EXPECT_FALSE(streams.contains(id)) << id;
  for (const std::int32_t id : {5, 7}) EXPECT_TRUE(streams.contains(id)) << id;
  for (const std::int32_t id : {0, 2, 6}) EXPECT_FALSE(streams.contains(id)) << id;
}

TEST(SkippedStreamsTest, TheFirstStreamMayBeAnyOne) {
  SkippedStreams streams;
  streams.opened(std::numeric_limits<std::int32_t>::max());
  EXPECT_TRUE(streams.contains(1));
  EXPECT_TRUE(streams.contains(std::numeric_limits<std::int32_t>::max() - 2));
  EXPECT_FALSE(streams.contains(std::numeric_limits<std::int32_t>::max()));
}

TEST(SkippedStreamsTest, ForgetsTheOldestGapsAlone) {
  SkippedStreams streams;
  // Each leaves out the one before it.
  std::int32_t id = -1;
  for (std::size_t gap = 0; gap <= SkippedStreams::kMaxGaps; ++gap) streams.opened(id += 4);
  EXPECT_FALSE(streams.contains(1));
  for (std::int32_t skipped = 5; skipped < id; skipped += 4) {
    EXPECT_TRUE(streams.contains(skipped)) << skipped;
    EXPECT_FALSE(streams.contains(skipped + 2)) << skipped;
  }
}

}  // namespace
}  // namespace nimbus::http
