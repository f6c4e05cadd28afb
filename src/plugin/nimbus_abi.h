#pragma once

#include "plugin/abi.h"

namespace nimbus::plugin {

// nimbus:wash@0.1.0.
[[nodiscard]] const AbiAdapter& nimbusAbi();

}  // namespace nimbus::plugin
