#include "base/text.h"

#include <charconv>

namespace nimbus {
namespace {

// Longer keys are not typing errors, and the comparison costs the product of the lengths.
constexpr std::size_t kLongestComparedKey = 64;

}  // namespace

std::string lowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lowerAscii(c);
  return lower;
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, {}, [](char c) { return lowerAscii(c); }, [](char c) { return lowerAscii(c); });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::uint64_t> parseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, 10);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parseWholeNumber(std::string_view text) {
  if (text.size() > 1 && text.starts_with('0')) return std::nullopt;
  return parseDecimal(text);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (const auto parts = splitOnce(text, separator)) {
    pieces.push_back(parts->first);
    text = parts->second;
  }
  pieces.push_back(text);
  return pieces;
}

std::optional<std::pair<std::string_view, std::string_view>> splitOnce(std::string_view text,
                                                                       char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

std::size_t editDistance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes; row i belongs to a's first i letters.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> nearestKey(std::string_view key,
                                           std::span<const std::string_view> known) {
  if (key.size() > kLongestComparedKey) return std::nullopt;
  const std::string lower = lowerAscii(key);
  std::optional<std::string_view> nearest;
  std::size_t least = std::max<std::size_t>(1, key.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = editDistance(lower, lowerAscii(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace nimbus
