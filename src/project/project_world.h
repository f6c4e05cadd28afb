#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/document.h"

namespace nimbus::project {

// The world that a project's component is made for.
struct ProjectWorld {
  std::string name;  // as tools take it
  wit::Document document;
  wit::WorldIndex index;
};

// The world of that name in `wit`, as wit::findWorld() takes it: with an empty one the only world
// of the main package. kNotFound without a folder, or without that world; kInvalidArgument if it is
// not valid WIT, or the name is empty and it has no world or several.
[[nodiscard]] Result<ProjectWorld> readProjectWorld(const std::filesystem::path& wit,
                                                    std::string_view name);

// In what the component is not as the world asks for: wit::conformanceProblems().
[[nodiscard]] Result<std::vector<std::string>> worldProblems(const ProjectWorld& world,
                                                             ByteView component,
                                                             const std::filesystem::path& wit);

}  // namespace nimbus::project
