#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nimbus {

inline constexpr std::uint32_t kNotUtf8 = 0xffffffff;

struct CodePoint {
  std::uint32_t value = kNotUtf8;
  std::size_t size_bytes = 1;
};

// The first code point of a non-empty text (RFC 3629: shortest form, no surrogates); kNotUtf8 if
// its first byte does not begin one.
[[nodiscard]] CodePoint firstCodePoint(std::string_view text);

// Where `text` stops being UTF-8, if it does.
[[nodiscard]] std::optional<std::size_t> firstInvalidUtf8(std::string_view text);

// `raw` with each byte that is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string asUtf8(std::string_view raw);

}  // namespace nimbus
