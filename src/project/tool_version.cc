#include "project/tool_version.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nimbus::project {

namespace {

constexpr std::size_t kMaxParts = 4;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<ToolVersion> takeVersion(std::string_view& text) {
  ToolVersion version;
  std::string_view rest = text;
  while (version.parts.size() < kMaxParts) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) break;
    version.parts.push_back(number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    text = rest;
    if (!rest.starts_with('.')) break;
    rest.remove_prefix(1);
  }
  if (version.parts.empty()) return std::nullopt;
  return version;
}

std::optional<ToolVersion> ToolVersion::findIn(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!isDigit(text[i]) || (i > 0 && (isDigit(text[i - 1]) || text[i - 1] == '.'))) continue;
    std::string_view rest = text.substr(i);
    auto version = takeVersion(rest);
    if (version && version->parts.size() >= 2) return version;
  }
  return std::nullopt;
}

std::string ToolVersion::text() const { return fmt::format("{}", fmt::join(parts, ".")); }

std::strong_ordering operator<=>(const ToolVersion& a, const ToolVersion& b) {
  for (std::size_t i = 0; i < std::max(a.parts.size(), b.parts.size()); ++i) {
    const unsigned left = i < a.parts.size() ? a.parts[i] : 0;
    const unsigned right = i < b.parts.size() ? b.parts[i] : 0;
    if (left != right) return left <=> right;
  }
  return std::strong_ordering::equal;
}

}  // namespace nimbus::project
