#pragma once

#include <cstdint>
#include <string_view>

namespace nimbus::keyvalue {

// SipHash-1-3 (Aumasson and Bernstein, 2012) under a key that is drawn once per process: whoever
// chooses the texts cannot make them collide, so that no guest can turn look-ups into long walks.
// Well distributed in all its bits.
[[nodiscard]] std::uint64_t keyedHash(std::string_view text);

// The same under a key given; for tests against an independent implementation.
struct HashKey {
  std::uint64_t first;
  std::uint64_t second;
};
[[nodiscard]] std::uint64_t keyedHash(std::string_view text, HashKey key);

}  // namespace nimbus::keyvalue
