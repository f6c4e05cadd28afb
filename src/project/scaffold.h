#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "project/template.h"

namespace nimbus::project {

// Whether a project can have this name: it begins with a letter, has letters, digits, "-" and "_",
// and at most 64 of them.
[[nodiscard]] Result<void> checkProjectName(std::string_view name);

// Makes a project of a template: `folder`, which must not exist, appears with all files in it or
// not at all. In templates with placeholders, {{project-name}} becomes the name, {{package-name}}
// the name in lower case, {{crate_name}} that with "_" for "-", and {{variable}} its value; in
// paths too. kAlreadyExists; kInvalidArgument for a path that would lead out of the folder.
[[nodiscard]] Result<void> scaffold(const Template& from, std::string_view project_name,
                                    const std::filesystem::path& folder);

// The text with its placeholders replaced.
[[nodiscard]] std::string fillPlaceholders(std::string_view text, const StringMap& values);

}  // namespace nimbus::project
