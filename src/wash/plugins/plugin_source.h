#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "plugin/plugin_runtime.h"
#include "wash/input/resolve_reference.h"

namespace nimbus::wash {

// The binary that a plugin is installed from.
struct PluginBinary {
  Bytes bytes;
  std::string source;  // for the record: an absolute path, or the address or reference as typed
};

// Whether this can be a source with this digest: one that lies at an address needs it, and it has
// to be of the form "sha256:<hex>". kInvalidArgument, before anything is read.
[[nodiscard]] Result<void> checkPluginSource(const std::string& source, const std::string& digest);

// A file or the folder of a built project, `https://…` (which needs a digest), or a reference in a
// registry. `digest`: "sha256:<hex>" that the bytes must have; empty: any. `user_file` is as for
// resolveComponent().
[[nodiscard]] Result<PluginBinary> readPluginBinary(const std::string& source,
                                                    const std::string& digest,
                                                    const ReferenceFlags& registries,
                                                    const std::string& user_file);

// What it says of itself; compiles it. An error names where it comes from.
[[nodiscard]] Result<plugin::PluginInfo> inspectBinary(const PluginBinary& binary,
                                                       plugin::PluginRuntime& runtime);

}  // namespace nimbus::wash
