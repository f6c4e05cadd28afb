#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wit/component_info.h"

namespace nimbus::wash {

// What of a command line of `wash run` only some components have a use for.
struct RunDemands {
  std::vector<std::string> arguments;   // behind the component
  std::vector<std::string> http_flags;  // those that were given: "--addr"
  std::vector<std::string> providers;   // as they were given: "acme:shop=unix:/run/shop.sock"
};

// Whether the component has a use for all of that. kInvalidArgument names what it has none for, or
// cannot get.
[[nodiscard]] Result<void> checkFits(const RunDemands& demands, std::string_view path,
                                     const wit::ComponentInfo& info);

}  // namespace nimbus::wash
