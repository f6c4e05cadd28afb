#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/deploy/images.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// Flags of `wash host` about the registries that images come from.
struct HostRegistryFlags {
  bool allow_insecure = false;
  std::vector<std::string> ca_paths;
  std::string pull_timeout;
  std::string cache_folder;
};

void addHostRegistryFlags(CLI::App& command, HostRegistryFlags& flags);

// `settings` with what the flags say on top.
[[nodiscard]] Result<host::ImageOptions> imageOptionsOf(const HostRegistryFlags& flags,
                                                        host::ImageOptions settings);

}  // namespace nimbus::wash
