#pragma once

#include <string>

#include "base/result.h"
#include "plugin/hook_context.h"

namespace nimbus::plugin {

// What a plugin keeps from run to run, as a file (docs/formats/plugins.md).

// Nothing if there is no file; an empty path is none.
[[nodiscard]] Result<HookContext::Entries> readConfigFile(const std::string& path);
// Replaces it.
[[nodiscard]] Result<void> writeConfigFile(const std::string& path,
                                           const HookContext::Entries& entries);

}  // namespace nimbus::plugin
