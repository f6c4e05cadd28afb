#include "project/component_name.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "host/manifest/text_rules.h"

namespace nimbus::project {

std::string componentNameOf(const std::string& folder) {
  std::string name;
  for (const char c : std::filesystem::path(folder).filename().string()) {
    const char lower = lowerAscii(c);
    const bool fits = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (fits) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min<std::size_t>(name.size(), 63));
  while (name.ends_with('-')) name.pop_back();
  return host::isDnsLabel(name) && !name.starts_with("plugin-") ? name : "app";
}

}  // namespace nimbus::project
