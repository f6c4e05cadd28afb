#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// Flags of the engine, the same for every command that runs components.
struct EngineFlags {
  std::string cache_folder;  // empty: the user's cache folder
  bool no_cache = false;
  std::string engine = "auto";
  std::vector<std::string> proposals;
};

void addEngineFlags(CLI::App& command, EngineFlags& flags);

[[nodiscard]] engine::EngineOptions engineOptionsOf(const EngineFlags& flags);

// $XDG_CACHE_HOME/nimbus/code, or ~/.cache/nimbus/code; empty if there is neither.
[[nodiscard]] std::string defaultCodeCacheFolder();

// Three quarters of what this process may use (cgroup or machine), for guests' linear memory.
[[nodiscard]] std::uint64_t defaultGuestMemoryBytes();

}  // namespace nimbus::wash
