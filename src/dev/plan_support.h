#pragma once

#include "base/result.h"
#include "project/config.h"

namespace nimbus::dev {

// That the configuration asks `wash dev` for nothing that it cannot do yet: kUnsupported names the
// first key that does, and where it was given.
[[nodiscard]] Result<void> checkSupported(const project::LoadedConfig& loaded);

}  // namespace nimbus::dev
