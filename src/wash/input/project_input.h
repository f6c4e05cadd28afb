#pragma once

#include <string>

#include "plugin/hook_context.h"

namespace nimbus::wash {

// The input of an action that names the project's folder which it is about. Plugins get that
// project's configuration; without it, that of the current folder's.
inline constexpr const char* kProjectInput = "project.path";

// Puts it into `inputs` if the argument of a command is a folder.
void putProject(const std::string& argument, plugin::HookContext::Entries& inputs);

}  // namespace nimbus::wash
