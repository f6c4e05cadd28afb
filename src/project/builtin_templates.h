#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "project/template.h"

namespace nimbus::project {

// A file of templates/, as it is in the program (cmake/PackTemplates.cmake writes the list).
struct EmbeddedFile {
  std::string_view folder;  // "http-hello-rust", "shared/wit-http"
  std::string_view path;    // in it
  std::string_view content;
};
[[nodiscard]] std::span<const EmbeddedFile> embeddedFiles();

// The templates inside the program, in the order of names and languages.
[[nodiscard]] const std::vector<TemplateInfo>& builtinTemplates();

// One of them; kNotFound if there is none of that name and language.
[[nodiscard]] Result<Template> builtinTemplate(std::string_view name, std::string_view language);

}  // namespace nimbus::project
