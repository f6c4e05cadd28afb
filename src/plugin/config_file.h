#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "plugin/hook_context.h"

namespace nimbus::plugin {

// What a plugin keeps from run to run, as a file (docs/formats/plugins.md).

// Nothing if there is no file; an empty path is none.
[[nodiscard]] Result<HookContext::Entries> readConfigFile(const std::string& path);

// What a plugin changed itself, key by key; nothing: taken away. What the user has configured over
// what it keeps is no change.
using ConfigChanges = std::map<std::string, std::optional<std::string>, std::less<>>;
[[nodiscard]] ConfigChanges changesBetween(const HookContext::Entries& before,
                                           const HookContext::Entries& after);
// Carries them out on what the file has by now, which another process may have changed; waits for
// those that are about to. kResourceExhausted beyond the bounds of HookContext.
[[nodiscard]] Result<void> changeConfigFile(const std::string& path, const ConfigChanges& changes);

}  // namespace nimbus::plugin
