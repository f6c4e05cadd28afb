#include "project/named_project.h"

#include <algorithm>
#include <filesystem>

#include "project/language_builder.h"
#include "project/languages/languages.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

bool areSame(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

bool isCurrentFolder(const fs::path& folder) {
  std::error_code error;
  return areSame(folder, fs::current_path(error));
}

bool showsHowItIsBuilt(const fs::path& folder) {
  const auto builder = findBuilder(folder, {});
  return builder || builder.error().code() != ErrorCode::kNotFound;
}

// Whether CMake or make builds it, which often have a file in each folder of a project.
bool isBuiltFolderByFolder(const fs::path& folder) {
  const auto builder = findBuilder(folder, {});
  if (!builder) return false;
  const std::string marker = (*builder)->marker(folder);
  return marker == kCMakeLists || marker == kMakefile;
}

// The nearest folder, from `start` to below the project `top`, whose files show how it is built; of
// those that are built folder by folder the outermost.
Project projectBelow(const fs::path& start, const Project& top) {
  fs::path outermost;
  for (fs::path at = start; at != top.folder; at = at.parent_path()) {
    if (!showsHowItIsBuilt(at)) continue;
    if (!isBuiltFolderByFolder(at)) return {(outermost.empty() ? at : outermost).string(), {}};
    outermost = at;
  }
  if (outermost.empty() || isBuiltFolderByFolder(top.folder)) return top;
  return {outermost.string(), {}};
}

}  // namespace

Project namedProject(const std::string& folder) {
  const Project found = findProject(folder);
  const fs::path start = absoluteFolder(folder);
  if (start == found.folder) return found;
  if (!isCurrentFolder(folder) && showsHowItIsBuilt(start)) return {start.string(), {}};
  return projectBelow(start, found);
}

Result<Project> developedProject(const std::string& folder, const std::string& user_file) {
  const Project project = namedProject(folder);
  if (!isCurrentFolder(folder) || !project.config_file.empty()) return project;
  const Project above = findProject(project.folder);
  TRY(const LoadedConfig loaded, loadProjectConfig(above, {}, user_file));
  const bool names_it =
      std::ranges::any_of(loaded.config.dev.components, [&](const ComponentSettings& component) {
        return !component.project.empty() &&
               areSame(fs::path(above.folder) / component.project, project.folder);
      });
  return names_it ? above : project;
}

}  // namespace nimbus::project
