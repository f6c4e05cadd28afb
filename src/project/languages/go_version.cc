#include "project/languages/go_version.h"

#include <array>
#include <fstream>
#include <string>
#include <system_error>

#include "base/text.h"

namespace nimbus::project {

namespace {

constexpr std::size_t kMaxGoModBytes = std::size_t{1} << 20;

// Modules that only bindings for TinyGo use.
constexpr std::array<std::string_view, 3> kTinyGoModules = {
    "go.bytecodealliance.org/cm", "go.wasmcloud.dev/component",
    "github.com/bytecodealliance/wasm-tools-go"};

std::optional<int> smallNumber(std::string_view text) {
  const auto number = parseDecimal(text.substr(0, text.find_first_not_of("0123456789")));
  if (!number || *number > 1'000'000) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

std::optional<GoVersion> parseGoVersion(std::string_view text) {
  if (!text.starts_with("go")) return std::nullopt;
  text.remove_prefix(2);
  const auto parts = split(text, '.');
  if (parts.size() < 2) return std::nullopt;
  const auto major = smallNumber(parts[0]);
  const auto minor = smallNumber(parts[1]);
  if (!major || !minor) return std::nullopt;
  return GoVersion{*major, *minor};
}

GoModKind goModOf(const std::filesystem::path& folder) {
  std::ifstream file(folder / "go.mod", std::ios::binary);
  if (!file) return GoModKind::kNone;
  std::string text(kMaxGoModBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  for (const std::string_view module : kTinyGoModules) {
    if (text.contains(module)) return GoModKind::kTinyGo;
  }
  return GoModKind::kStock;
}

}  // namespace nimbus::project
