#include "base/bytes.h"

#include <gtest/gtest.h>

namespace nimbus {
namespace {

TEST(Bytes, CopyIsIndependentOfItsSource) {
  std::string source = "hello";
  const Bytes copy = Bytes::copyOf(source);
  source[0] = 'j';
  EXPECT_EQ(copy.text(), "hello");
}

TEST(Bytes, TakeKeepsShortAndLongTextsInPlace) {
  for (const std::size_t size : {0U, 3U, 5000U}) {
    const Bytes bytes = Bytes::take(std::string(size, 'x'));
    EXPECT_EQ(bytes.text(), std::string(size, 'x'));
  }
}

TEST(Bytes, SliceSharesMemoryAndKeepsItAlive) {
  Bytes all = Bytes::copyOf("hello world");
  const std::uint8_t* where = all.view().data() + 6;
  const Bytes world = all.slice(6, 5);
  all = {};
  EXPECT_EQ(world.text(), "world");
  EXPECT_EQ(world.view().data(), where);
}

TEST(Bytes, OwnerIsReleasedWithTheLastShare) {
  auto owner = std::make_shared<const std::string>("abc");
  const std::weak_ptr<const std::string> alive = owner;
  Bytes first(asBytes(*owner), std::move(owner));
  Bytes second = first.slice(1, 1);
  first = {};
  EXPECT_FALSE(alive.expired());
  second = {};
  EXPECT_TRUE(alive.expired());
}

TEST(Bytes, EmptyIsEmpty) {
  EXPECT_TRUE(Bytes().empty());
  EXPECT_TRUE(Bytes::copyOf("").empty());
  EXPECT_TRUE(Bytes::ofStatic("abc").slice(3, 0).empty());
}

}  // namespace
}  // namespace nimbus
