#pragma once

#include <vector>

#include "plugin/hook_context.h"
#include "project/doctor.h"
#include "wash/plugins/plugins.h"

namespace nimbus::wash {

// For `wash doctor`: whether each installed plugin can be used, and what plugins themselves find,
// told by hooks through the context that they share with the command or by their own checks. Runs
// plugins; texts are safe to print.
void addPluginChecks(Plugins& plugins, plugin::HookContext& context,
                     std::vector<project::Check>& into);

}  // namespace nimbus::wash
