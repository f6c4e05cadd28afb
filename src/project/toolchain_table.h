#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "project/tool_version.h"

namespace nimbus::project {

struct ToolEntry {
  std::string name;
  std::vector<std::string> ask;                    // prints its version
  std::map<std::string, std::string> environment;  // that it is asked in
  ToolVersion least;
  std::vector<std::string> languages;  // of projects that need it
  std::string purpose;
  std::string install;
};

// data/toolchains.yaml.
struct ToolchainTable {
  std::vector<ToolEntry> tools;
  ToolVersion oldest_wasi_clang;
  std::map<ToolVersion, ToolVersion> tinygo_for_go;  // Go's minor version -> the first TinyGo

  // The first TinyGo that takes this Go: by the entry of its minor version; nothing if it is older
  // than all. `known` is false for a Go that is newer than all entries.
  struct Pairing {
    ToolVersion tinygo;
    bool known = true;
  };
  [[nodiscard]] std::optional<Pairing> tinygoFor(const ToolVersion& go) const;
};

[[nodiscard]] Result<ToolchainTable> parseToolchains(std::string_view text,
                                                     std::string_view file_name);

// The table inside the program.
[[nodiscard]] const ToolchainTable& toolchains();

}  // namespace nimbus::project
