#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nimbus::project {

// A version as tools have them: numbers and dots; what follows them does not count.
struct ToolVersion {
  std::vector<unsigned> parts;

  // The first "N.N" in a text: "go version go1.25.1 linux/amd64" is 1.25.1.
  [[nodiscard]] static std::optional<ToolVersion> findIn(std::string_view text);
  [[nodiscard]] std::string text() const;
  // Missing parts are zero.
  friend std::strong_ordering operator<=>(const ToolVersion& a, const ToolVersion& b);
  friend bool operator==(const ToolVersion& a, const ToolVersion& b) { return (a <=> b) == 0; }
};

// Numbers joined by dots, at most four, at the beginning of a text; those are taken away from it.
// Nothing if it does not begin so.
[[nodiscard]] std::optional<ToolVersion> takeVersion(std::string_view& text);

}  // namespace nimbus::project
