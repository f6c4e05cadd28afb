#include "wash/input/project_input.h"

#include <filesystem>
#include <system_error>

namespace nimbus::wash {

void putProject(const std::string& argument, plugin::HookContext::Entries& inputs) {
  std::error_code error;
  if (!std::filesystem::is_directory(argument, error)) return;
  inputs[kProjectInput] = std::filesystem::absolute(argument, error).lexically_normal().string();
}

}  // namespace nimbus::wash
