#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace nimbus::project {

// The world that a project's `wit/` describes.
struct ProjectWorld {
  std::string name;
  std::vector<std::string> exports;  // names of interfaces with version, or of functions
};

// The world of the main package. kNotFound without a folder; kInvalidArgument if it is not valid
// WIT, or has no world or several.
[[nodiscard]] Result<ProjectWorld> readProjectWorld(const std::filesystem::path& wit);

// The exports that the world asks for and the component, with those exports, does not have in a
// compatible version.
[[nodiscard]] std::vector<std::string> missingExports(const ProjectWorld& world,
                                                      const std::vector<std::string>& exports);

}  // namespace nimbus::project
