#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "base/process.h"
#include "project/template.h"

namespace nimbus::project {

// A folder as a template, with placeholders if it has a manifest. `.git` at its top is left out.
// kInvalidArgument for links and whatever else is neither file nor folder, kResourceExhausted
// beyond 10000 files or 256 MiB.
[[nodiscard]] Result<Template> readTemplateFolder(const std::filesystem::path& folder);

struct GitTemplate {
  std::string url;        // as git takes it: https, ssh, file, a path
  std::string ref;        // a branch, tag or commit; empty: what the repository says
  std::string subfolder;  // of the repository; empty: all of it
};

// Clones the repository into a temporary folder and reads it. Runs git and blocks. `interactive`
// lets git ask for credentials.
[[nodiscard]] Result<Template> readGitTemplate(const GitTemplate& source, ProcessRunner& runner,
                                               bool interactive, std::stop_token stop);

// `subfolder` of `root`; kInvalidArgument if it would lead out of it.
[[nodiscard]] Result<std::filesystem::path> folderInside(const std::filesystem::path& root,
                                                         const std::string& subfolder);

}  // namespace nimbus::project
