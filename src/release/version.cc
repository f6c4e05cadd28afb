#include "release/version.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::release {
namespace {

constexpr std::size_t kMaxTextBytes = 64;

bool isIdentifierCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool isNumber(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool hasLeadingZero(std::string_view number) { return number.size() > 1 && number.front() == '0'; }

bool isPreRelease(std::string_view text) {
  return std::ranges::all_of(split(text, '.'), [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, isIdentifierCharacter) &&
           !(isNumber(part) && hasLeadingZero(part));
  });
}

std::optional<std::uint32_t> parseNumber(std::string_view text) {
  const auto number = parseDecimal(text);
  if (!number || hasLeadingZero(text) || *number > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// Numbers come before words, and are compared by value: without leading zeros, by length first.
std::strong_ordering compareParts(std::string_view a, std::string_view b) {
  const bool a_is_number = isNumber(a);
  const bool b_is_number = isNumber(b);
  if (a_is_number != b_is_number) return b_is_number <=> a_is_number;
  if (a_is_number && a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

std::strong_ordering comparePreReleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() <=> b.empty();
  const auto a_parts = split(a, '.');
  const auto b_parts = split(b, '.');
  return std::lexicographical_compare_three_way(a_parts.begin(), a_parts.end(), b_parts.begin(),
                                                b_parts.end(), compareParts);
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  if (text.size() > kMaxTextBytes) return std::nullopt;
  Version version;
  std::string_view core = text;
  if (const auto parts = splitOnce(text, '-')) {
    if (!isPreRelease(parts->second)) return std::nullopt;
    core = parts->first;
    version.pre_release = parts->second;
  }
  const auto numbers = split(core, '.');
  if (numbers.size() != 3) return std::nullopt;
  const auto major = parseNumber(numbers[0]);
  const auto minor = parseNumber(numbers[1]);
  const auto patch = parseNumber(numbers[2]);
  if (!major || !minor || !patch) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  version.patch = *patch;
  return version;
}

std::string Version::text() const {
  return fmt::format("{}.{}.{}{}{}", major, minor, patch, pre_release.empty() ? "" : "-",
                     pre_release);
}

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  return comparePreReleases(a.pre_release, b.pre_release);
}

}  // namespace nimbus::release
