#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nimbus {

// Small helpers for ASCII text: protocol elements, keys, options. None looks at the locale.

[[nodiscard]] constexpr char lowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] std::string lowerAscii(std::string_view text);
[[nodiscard]] bool equalsIgnoringCase(std::string_view a, std::string_view b);

[[nodiscard]] constexpr bool isControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Without spaces, tabs, carriage returns and line feeds at both ends.
[[nodiscard]] std::string_view trim(std::string_view text [[clang::lifetimebound]]);

// Digits only: no sign, no space, no other base, nothing after the number. Nothing if it is not of
// that form or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parseDecimal(std::string_view text);

// The same without superfluous zeros.
[[nodiscard]] std::optional<std::uint64_t> parseWholeNumber(std::string_view text);

// 0 to 15, or -1.
[[nodiscard]] constexpr int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = lowerAscii(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Whether a list of texts has this one.
template <typename Texts>
[[nodiscard]] bool isOneOf(const Texts& texts, std::string_view text) {
  return std::ranges::find(texts, text) != std::ranges::end(texts);
}

// All pieces between separators, also empty ones: "a,,b" gives three, "" gives one.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text [[clang::lifetimebound]],
                                                  char separator);

// What stands before and after the first separator, or nothing if there is none.
[[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> splitOnce(
    std::string_view text [[clang::lifetimebound]], char separator);

// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
[[nodiscard]] std::size_t editDistance(std::string_view a, std::string_view b);

// The known key that `key` was probably meant to be (case ignored, at most a third of it mistyped),
// for messages like: unknown key "wrokload", did you mean "workload"?
[[nodiscard]] std::optional<std::string_view> nearestKey(std::string_view key,
                                                         std::span<const std::string_view> known
                                                         [[clang::lifetimebound]]);
[[nodiscard]] inline std::optional<std::string_view> nearestKey(
    std::string_view key, std::initializer_list<std::string_view> known) {
  return nearestKey(key, std::span(known.begin(), known.size()));
}

}  // namespace nimbus
