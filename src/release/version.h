#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nimbus::release {

// A version of a release, ordered as Semantic Versioning 2.0.0 says (section 11). Build metadata
// is not taken: two releases never differ in it alone.
struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;
  std::string pre_release;  // "rc.1"; empty for a release proper

  // Nothing if the text is of another form, or longer than 64 characters.
  [[nodiscard]] static std::optional<Version> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  friend std::strong_ordering operator<=>(const Version& a, const Version& b);
  friend bool operator==(const Version& a, const Version& b) = default;
};

}  // namespace nimbus::release
