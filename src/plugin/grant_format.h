#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/grant.h"

namespace nimbus::plugin {

// The file of a GrantBook (docs/formats/plugins.md).
struct RecordedGrant {
  PluginIdentity plugin;
  Grant grant;

  friend bool operator==(const RecordedGrant&, const RecordedGrant&) = default;
};

[[nodiscard]] std::string formatGrants(const std::vector<RecordedGrant>& grants);
[[nodiscard]] Result<std::vector<RecordedGrant>> parseGrants(std::string_view text);

}  // namespace nimbus::plugin
