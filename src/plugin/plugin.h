#pragma once

#include <string>

#include "plugin/grant.h"
#include "plugin/plugin_info.h"

namespace nimbus::plugin {

// A plugin that can be run.
struct Plugin {
  PluginInfo info;
  std::string digest;  // "sha256:<hex>" of its binary, which is checked before it runs
  std::string wasm_path;
  std::string scratch_folder;  // its own, made when it runs; empty: it has none
  std::string config_path;     // where its configuration is kept; empty: nowhere

  [[nodiscard]] const std::string& name() const { return info.metadata.name; }
  [[nodiscard]] PluginIdentity identity() const { return {name(), digest}; }
};

}  // namespace nimbus::plugin
