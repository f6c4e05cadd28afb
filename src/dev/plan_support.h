#pragma once

#include <vector>

#include "base/result.h"
#include "project/config.h"

namespace nimbus::dev {

// What the configuration asks `wash dev` for and it cannot do: kUnsupported each, with the key and
// where it was given.
[[nodiscard]] std::vector<Error> unsupportedKeys(const project::LoadedConfig& loaded);

// That there is nothing of that kind; else the first of it.
[[nodiscard]] Result<void> checkSupported(const project::LoadedConfig& loaded);

}  // namespace nimbus::dev
