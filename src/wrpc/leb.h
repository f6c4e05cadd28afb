#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace nimbus::wrpc {

// LEB128 numbers of at most `bits` bits, strictly: not longer than the longest form of that width
// (3, 5, 10 bytes for 16, 32, 64 bits), and the bits of the last byte that do not fit are zero, or
// copies of the sign. Shorter forms padded up to that length are accepted.

enum class LebState : std::uint8_t {
  kMore,   // the number goes on
  kDone,   // it is complete
  kWrong,  // it does not fit the width
};

// An unsigned number that arrives byte by byte, for parsers of frames:
//   UlebReader length(32);
//   switch (length.push(byte)) { … }
class UlebReader {
 public:
  explicit constexpr UlebReader(unsigned bits) : bits_(bits) {}

  // The next byte. Not to be called again after kDone or kWrong, but see reset().
  [[nodiscard]] constexpr LebState push(std::uint8_t byte) {
    const std::uint64_t low = byte & 0x7F;
    const unsigned room = bits_ - shift_;  // how many bits of this byte count
    if (room < 7 && (low >> room) != 0) return LebState::kWrong;
    value_ |= low << shift_;
    shift_ += 7;
    if ((byte & 0x80) == 0) return LebState::kDone;
    return shift_ >= bits_ ? LebState::kWrong : LebState::kMore;
  }

  // The number, once push() said kDone.
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  // Whether a number has begun.
  [[nodiscard]] constexpr bool started() const { return shift_ > 0; }
  constexpr void reset() { value_ = 0, shift_ = 0; }

 private:
  std::uint64_t value_ = 0;
  unsigned shift_ = 0;
  unsigned bits_;
};

// The same for signed numbers.
class SlebReader {
 public:
  explicit constexpr SlebReader(unsigned bits) : bits_(bits) {}

  [[nodiscard]] constexpr LebState push(std::uint8_t byte) {
    const std::uint64_t low = byte & 0x7F;
    const unsigned room = bits_ - shift_;
    if (room < 7) {
      // The bits from the sign upwards are all equal.
      const std::uint64_t rest = low >> (room - 1);
      if (rest != 0 && rest != (0x7FU >> (room - 1))) return LebState::kWrong;
    }
    value_ |= low << shift_;
    shift_ += 7;
    if ((byte & 0x80) != 0) return shift_ >= bits_ ? LebState::kWrong : LebState::kMore;
    if (shift_ < 64 && (byte & 0x40) != 0) value_ |= ~std::uint64_t{0} << shift_;
    return LebState::kDone;
  }

  [[nodiscard]] constexpr std::int64_t value() const { return static_cast<std::int64_t>(value_); }

 private:
  std::uint64_t value_ = 0;
  unsigned shift_ = 0;
  unsigned bits_;
};

inline constexpr std::size_t kMaxLebBytes = 10;

// Writes the number to `out`, which has room for kMaxLebBytes; returns how many bytes it took.
constexpr std::size_t writeUleb(std::uint64_t value, std::uint8_t* out) {
  std::size_t length = 0;
  while (value >= 0x80) {
    out[length++] = static_cast<std::uint8_t>(value | 0x80);
    value >>= 7;
  }
  out[length++] = static_cast<std::uint8_t>(value);
  return length;
}

constexpr std::size_t writeSleb(std::int64_t value, std::uint8_t* out) {
  std::size_t length = 0;
  while (value < -0x40 || value > 0x3F) {
    out[length++] = static_cast<std::uint8_t>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  out[length++] = static_cast<std::uint8_t>(value & 0x7F);
  return length;
}

// What stands at the beginning of a view: kMore if the view ends too early.
struct UlebResult {
  LebState state = LebState::kMore;
  std::size_t size = 0;  // how many bytes the number takes
  std::uint64_t value = 0;
};

constexpr UlebResult readUleb(ByteView bytes, unsigned bits) {
  UlebReader reader(bits);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const LebState state = reader.push(bytes[i]);
    if (state != LebState::kMore) return {state, i + 1, reader.value()};
  }
  return {};
}

}  // namespace nimbus::wrpc
