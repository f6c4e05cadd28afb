#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/component_info.h"
#include "wit/tools.h"

namespace nimbus::project {

inline constexpr std::size_t kMaxComponentBytes = std::size_t{256} << 20;

// A component on disk.
struct ComponentFile {
  std::filesystem::path path;
  Bytes binary;
  wit::ComponentInfo info;
};

// Makes sure that what a tool has built is a valid component. A core module becomes one at
// `output`: with the world that its bindings have left in it, as a command of preview 1, or else
// with `world` of `wit`, which need not exist; an empty name means the only one. A component stays
// where it is, unless `move_to_output`: then it is copied.
struct ResultRequest {
  std::filesystem::path built;
  std::filesystem::path output;
  std::filesystem::path wit;
  std::string world = {};
  bool move_to_output = false;
  wit::FunctionBodies bodies = wit::FunctionBodies::kValidated;
};
[[nodiscard]] Result<ComponentFile> ensureComponent(const ResultRequest& request);

}  // namespace nimbus::project
