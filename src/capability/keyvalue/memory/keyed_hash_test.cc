#include "capability/keyvalue/memory/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nimbus::keyvalue {
namespace {

// Made by an implementation of the paper's definition that reproduces the paper's own vector of
// SipHash-2-4: key 00 01 … 0f, message 00 01 … of n bytes.
TEST(KeyedHash, IsSipHash13) {
  constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string message;
  for (int i = 0; i < 17; ++i) message.push_back(static_cast<char>(i));
  const std::vector<std::pair<std::size_t, std::uint64_t>> vectors = {
      {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},
      {8, 0x369095118d299a8e},  {15, 0xd320d86d2a519956}, {16, 0xcc4fdd1a7d908b66},
      {17, 0x9cf2689063dbd80c},
  };
  for (const auto& [size, hash] : vectors)
    EXPECT_EQ(keyedHash(message.substr(0, size), kKey), hash) << size;
}

TEST(KeyedHash, IsTheSameDuringAProcess) {
  EXPECT_EQ(keyedHash("key"), keyedHash("key"));
  EXPECT_NE(keyedHash("key"), keyedHash("yek"));
}

}  // namespace
}  // namespace nimbus::keyvalue
