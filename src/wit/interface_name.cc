#include "wit/interface_name.h"

#include <algorithm>
#include <array>

namespace nimbus::wit {
namespace {

bool isNumber(std::string_view text) {
  return !text.empty() && (text == "0" || text[0] != '0') &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

struct Version {
  std::array<std::string_view, 3> numbers;
  int count = 0;  // of numbers given
  bool pre_release = false;
};

// "1.2.3-pre+build", or only its first numbers. count is 0 if the text is not a version.
Version parseVersion(std::string_view text) {
  text = text.substr(0, text.find('+'));
  const std::size_t dash = text.find('-');
  Version version;
  version.pre_release = dash != std::string_view::npos;
  std::string_view rest = text.substr(0, dash);
  while (version.count < 3) {
    const std::size_t dot = rest.find('.');
    const std::string_view number = rest.substr(0, dot);
    if (!isNumber(number)) return {};
    version.numbers[version.count++] = number;
    if (dot == std::string_view::npos) return version;
    rest.remove_prefix(dot + 1);
  }
  return {};
}

}  // namespace

InterfaceName parseInterfaceName(std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::size_t colon = name.find(':');
  const bool plain = slash == std::string_view::npos || colon > slash;
  if (plain) return {.interface = std::string(name), .package = {}, .version = {}};
  const std::size_t at = name.find('@', slash);
  return {
      .interface = std::string(name.substr(0, at)),
      .package = std::string(name.substr(0, slash)),
      .version = at == std::string_view::npos ? std::string() : std::string(name.substr(at + 1)),
  };
}

std::string compatibleRange(std::string_view text) {
  const Version version = parseVersion(text);
  const auto& [major, minor, patch] = version.numbers;
  if (version.count == 0 || version.pre_release) return std::string(text);
  if (major != "0") {
    return version.count == 2 ? std::string(text) : std::string(major);
  }
  if (version.count < 2 || minor == "0") return std::string(text);
  return std::string(major) + "." + std::string(minor);
}

bool interfaceMatches(std::string_view interface, std::string_view version, std::string_view name) {
  const InterfaceName parsed = parseInterfaceName(name);
  if (parsed.interface != interface) return false;
  if (version.empty() || parsed.version.empty()) return version == parsed.version;
  if (parsed.version == version) return true;
  // A name carries a full version; "0.2" there is not one.
  if (parseVersion(parsed.version).count != 3) return false;
  return compatibleRange(parsed.version) == compatibleRange(version);
}

}  // namespace nimbus::wit
