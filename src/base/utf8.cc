#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace nimbus {

namespace {

// The range of the second byte, and how many bytes follow the first; count 0: cannot be a first.
struct Lead {
  unsigned count;
  std::uint8_t low;
  std::uint8_t high;
};

Lead classify(std::uint8_t first) {
  if (first >= 0xC2 && first <= 0xDF) return {1, 0x80, 0xBF};
  if (first == 0xE0) return {2, 0xA0, 0xBF};
  if (first == 0xED) return {2, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {2, 0x80, 0xBF};
  if (first == 0xF0) return {3, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {3, 0x80, 0xBF};
  if (first == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes the sequence at `at` takes; 0 if it is malformed.
std::size_t sequenceLength(const std::uint8_t* at, const std::uint8_t* end) {
  if (*at < 0x80) return 1;
  const Lead lead = classify(*at);
  if (lead.count == 0 || static_cast<std::size_t>(end - at) <= lead.count) return 0;
  if (at[1] < lead.low || at[1] > lead.high) return 0;
  for (unsigned i = 2; i <= lead.count; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  return lead.count + 1;
}

}  // namespace

bool isUtf8(ByteView bytes) {
  const std::uint8_t* at = bytes.data();
  const std::uint8_t* const end = at + bytes.size();
  while (at != end) {
    while (end - at >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, at, 8);
      if ((eight & 0x8080808080808080U) != 0) break;
      at += 8;
    }
    if (at == end) break;
    const std::size_t length = sequenceLength(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace nimbus
