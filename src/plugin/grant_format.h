#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/grant.h"

namespace nimbus::plugin {

struct RecordedGrant {
  PluginIdentity plugin;
  Grant grant;

  friend bool operator==(const RecordedGrant&, const RecordedGrant&) = default;
};

// The file of a GrantBook (docs/formats/plugins.md).
struct GrantFile {
  std::vector<RecordedGrant> grants;
  std::map<std::string, std::uint64_t> revocations;  // by the plugin's name: another after each

  friend bool operator==(const GrantFile&, const GrantFile&) = default;
};

[[nodiscard]] std::string formatGrants(const GrantFile& file);
[[nodiscard]] Result<GrantFile> parseGrants(std::string_view text);

}  // namespace nimbus::plugin
