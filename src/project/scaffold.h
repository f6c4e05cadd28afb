#pragma once

#include <cstddef>
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
// paths too. kAlreadyExists; kInvalidArgument for a path that would lead out of the folder or into
// a repository's own folder; kResourceExhausted beyond kMaxProjectBytes in all files together.
[[nodiscard]] Result<void> scaffold(const Template& from, std::string_view project_name,
                                    const std::filesystem::path& folder);

inline constexpr std::size_t kMaxProjectBytes = std::size_t{256} << 20;

// The text with its placeholders replaced. kResourceExhausted: it would be longer than `max_bytes`.
[[nodiscard]] Result<std::string> fillPlaceholders(std::string_view text, const StringMap& values,
                                                   std::size_t max_bytes = kMaxProjectBytes);

}  // namespace nimbus::project
