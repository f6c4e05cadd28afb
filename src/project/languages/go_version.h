#pragma once

#include <compare>
#include <filesystem>
#include <optional>
#include <string_view>

namespace nimbus::project {

struct GoVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const GoVersion&, const GoVersion&) = default;
};

// Of "go1.26.8"; nothing for what is no release, such as a development version.
[[nodiscard]] std::optional<GoVersion> parseGoVersion(std::string_view text);

// Which compiler a Go project is written for: TinyGo if its go.mod has the modules that bindings
// for TinyGo need.
enum class GoModKind { kNone, kStock, kTinyGo };
[[nodiscard]] GoModKind goModOf(const std::filesystem::path& folder);

}  // namespace nimbus::project
