#include "wrpc/leb.h"

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace nimbus::wrpc {
namespace {

using Hex = std::vector<std::uint8_t>;

Hex uleb(std::uint64_t value) {
  std::uint8_t out[kMaxLebBytes];
  return {out, out + writeUleb(value, out)};
}

Hex sleb(std::int64_t value) {
  std::uint8_t out[kMaxLebBytes];
  return {out, out + writeSleb(value, out)};
}

LebState pushAll(auto& reader, const Hex& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (reader.push(bytes[i]) != LebState::kMore) return LebState::kWrong;
  }
  return reader.push(bytes.back());
}

TEST(Leb, WritesTheKnownForms) {
  EXPECT_EQ(uleb(0), Hex({0x00}));
  EXPECT_EQ(uleb(127), Hex({0x7f}));
  EXPECT_EQ(uleb(300), Hex({0xac, 0x02}));
  EXPECT_EQ(uleb(624485), Hex({0xe5, 0x8e, 0x26}));
  EXPECT_EQ(uleb(std::numeric_limits<std::uint64_t>::max()),
            Hex({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  EXPECT_EQ(sleb(-1), Hex({0x7f}));
  EXPECT_EQ(sleb(63), Hex({0x3f}));
  EXPECT_EQ(sleb(64), Hex({0xc0, 0x00}));
  EXPECT_EQ(sleb(-64), Hex({0x40}));
  EXPECT_EQ(sleb(-129), Hex({0xff, 0x7e}));
  EXPECT_EQ(sleb(-123456), Hex({0xc0, 0xbb, 0x78}));
  EXPECT_EQ(sleb(std::numeric_limits<std::int64_t>::min()),
            Hex({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}));
}

TEST(Leb, ReadsBackWhatItWrote) {
  std::mt19937_64 random(1);  // NOLINT: a fixed seed, the values are printed by the assertions
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    const Hex bytes = uleb(value);
    UlebReader reader(64);
    ASSERT_EQ(pushAll(reader, bytes), LebState::kDone) << value;
    ASSERT_EQ(reader.value(), value);
    const UlebResult result = readUleb(bytes, 64);
    ASSERT_EQ(result.value, value);
    ASSERT_EQ(result.size, bytes.size());

    const auto negative = static_cast<std::int64_t>(~value);
    SlebReader signed_reader(64);
    ASSERT_EQ(pushAll(signed_reader, sleb(negative)), LebState::kDone) << negative;
    ASSERT_EQ(signed_reader.value(), negative);
  }
}

TEST(Leb, ChecksTheWidthOfUnsignedNumbers) {
  const auto state = [](unsigned bits, const Hex& bytes) { return readUleb(bytes, bits).state; };
  EXPECT_EQ(state(16, {0xff, 0xff, 0x03}), LebState::kDone);
  EXPECT_EQ(state(16, {0xff, 0xff, 0x04}), LebState::kWrong);
  EXPECT_EQ(state(16, {0x80, 0x80, 0x80, 0x00}), LebState::kWrong);
  EXPECT_EQ(state(16, {0x80, 0x80, 0x00}), LebState::kDone);  // padded, but not too long
  EXPECT_EQ(state(32, {0xff, 0xff, 0xff, 0xff, 0x0f}), LebState::kDone);
  EXPECT_EQ(state(32, {0xff, 0xff, 0xff, 0xff, 0x1f}), LebState::kWrong);
  EXPECT_EQ(state(32, {0xff, 0xff, 0xff, 0xff, 0x8f}), LebState::kWrong);
  EXPECT_EQ(state(64, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}),
            LebState::kWrong);
}

TEST(Leb, ChecksTheSignBitsOfSignedNumbers) {
  const auto state = [](unsigned bits, const Hex& bytes) {
    SlebReader reader(bits);
    return pushAll(reader, bytes);
  };
  EXPECT_EQ(state(16, {0xff, 0xff, 0x01}), LebState::kDone);   // 32767
  EXPECT_EQ(state(16, {0x80, 0x80, 0x7e}), LebState::kDone);   // -32768
  EXPECT_EQ(state(16, {0x80, 0x80, 0x02}), LebState::kWrong);  // 32768
  EXPECT_EQ(state(16, {0x80, 0x80, 0x3e}), LebState::kWrong);  // sign not extended
  EXPECT_EQ(state(32, {0xff, 0xff, 0xff, 0xff, 0x07}), LebState::kDone);
  EXPECT_EQ(state(32, {0xff, 0xff, 0xff, 0xff, 0x0f}), LebState::kWrong);
  EXPECT_EQ(state(32, {0x80, 0x80, 0x80, 0x80, 0x78}), LebState::kDone);
  EXPECT_EQ(state(64, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}),
            LebState::kWrong);
}

TEST(Leb, AsksForMoreWhereAViewEnds) {
  EXPECT_EQ(readUleb({}, 32).state, LebState::kMore);
  EXPECT_EQ(readUleb(Hex{0x80, 0x80}, 32).state, LebState::kMore);
  UlebReader reader(32);
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.push(0x81), LebState::kMore);
  EXPECT_TRUE(reader.started());
  reader.reset();
  EXPECT_EQ(reader.push(5), LebState::kDone);
  EXPECT_EQ(reader.value(), 5U);
}

}  // namespace
}  // namespace nimbus::wrpc
