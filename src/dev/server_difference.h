#pragma once

#include <string>
#include <vector>

#include "dev/plan.h"

namespace nimbus::dev {

// The keys of the configuration by which two of them differ: "dev.address".
[[nodiscard]] std::vector<std::string> differingKeys(const ServerSettings& a,
                                                     const ServerSettings& b);

}  // namespace nimbus::dev
