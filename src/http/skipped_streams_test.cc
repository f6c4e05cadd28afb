#include "http/skipped_streams.h"

#include <limits>

#include <gtest/gtest.h>

namespace nimbus::http {
namespace {

TEST(SkippedStreamsTest, WhatWasPassedOverCannotBeOpened) {
  SkippedStreams streams;
  for (const std::int32_t id : {1, 3, 9}) EXPECT_TRUE(streams.admits(id)) << id;
  for (const std::int32_t id : {5, 7, 5}) EXPECT_FALSE(streams.admits(id)) << id;
  for (const std::int32_t id : {1, 3, 9, 11}) EXPECT_TRUE(streams.admits(id)) << id;
}

TEST(SkippedStreamsTest, OtherNumbersAreNotTheClients) {
  SkippedStreams streams;
  EXPECT_TRUE(streams.admits(9));
  for (const std::int32_t id : {0, 2, 6, 10}) EXPECT_TRUE(streams.admits(id)) << id;
  EXPECT_FALSE(streams.admits(7));
}

TEST(SkippedStreamsTest, TheFirstStreamMayBeAnyOne) {
  constexpr std::int32_t kLast = std::numeric_limits<std::int32_t>::max();
  SkippedStreams streams;
  EXPECT_TRUE(streams.admits(kLast));
  EXPECT_FALSE(streams.admits(1));
  EXPECT_FALSE(streams.admits(kLast - 2));
  EXPECT_TRUE(streams.admits(kLast));
}

TEST(SkippedStreamsTest, ForgetsTheOldestGapsAlone) {
  SkippedStreams streams;
  // Each leaves out the one before it.
  std::int32_t id = -1;
  for (std::size_t gap = 0; gap <= SkippedStreams::kMaxGaps; ++gap) {
    EXPECT_TRUE(streams.admits(id += 4));
  }
  EXPECT_TRUE(streams.admits(1));
  for (std::int32_t skipped = 5; skipped < id; skipped += 4) {
    EXPECT_FALSE(streams.admits(skipped)) << skipped;
    EXPECT_TRUE(streams.admits(skipped + 2)) << skipped;
  }
}

}  // namespace
}  // namespace nimbus::http
