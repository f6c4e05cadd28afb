#pragma once

#include <memory>
#include <string>

#include "wrpc/invoker.h"

namespace nimbus::plugin {

// In the place of an import that `wash` does not serve to plugins: the plugin starts, and a call
// fails with kUnsupported. What a plugin serves in `wash dev` may need such imports there.
[[nodiscard]] std::shared_ptr<wrpc::Invoker> unservedImport(std::string interface);

}  // namespace nimbus::plugin
