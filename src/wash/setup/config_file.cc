#include "wash/setup/config_file.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "project/config_reference.h"
#include "project/named_project.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
using project::ConfigFormat;

std::string_view extensionOf(ConfigFormat format) {
  switch (format) {
    case ConfigFormat::kYaml: return "yaml";
    case ConfigFormat::kJson: return "json";
    case ConfigFormat::kToml: return "toml";
  }
  return {};
}

}  // namespace

project::Project currentProject() {
  std::error_code error;
  return project::namedProject(fs::current_path(error).string());
}

std::string userConfigFile(const GlobalOptions& global, const project::Directories& folders) {
  if (!global.user_config.empty()) return global.user_config;
  const std::string found = project::findConfigFile(folders.config);
  return found.empty() ? folders.config + "/config.yaml" : found;
}

std::string projectConfigFile(const project::Project& project) {
  if (!project.config_file.empty()) return project.config_file;
  return (fs::path(project.folder) / project::kConfigFolder / "config.yaml").string();
}

Result<std::string> writeNewConfig(const std::string& folder, ConfigFormat format, NewConfig what,
                                   Overwrite overwrite) {
  const std::string name = fmt::format("config.{}", extensionOf(format));
  const std::string path = (fs::path(folder) / name).string();
  if (const std::string found = project::findConfigFile(folder); !found.empty()) {
    if (found != path)
      return fail(ErrorCode::kAlreadyExists,
                  fmt::format("{} is there already, and only one file is read", found));
    if (overwrite == Overwrite::kNo)
      return fail(ErrorCode::kAlreadyExists,
                  fmt::format("{} is there already; --force replaces it", found));
  }
  const host::YamlNode values = what == NewConfig::kExample
                                    ? project::exampleConfig(NIMBUS_VERSION)
                                    : project::initialConfig(NIMBUS_VERSION);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("cannot make {}: {}", folder, error.message()));
  TRY_VOID(replaceFileDurably(folder, name, project::writeConfig(values, format)));
  // Part of the project, not private.
  fs::permissions(path, fs::perms(0644), error);
  return path;
}

std::string describeCount(const std::vector<project::ConfigProblem>& problems) {
  return fmt::format("{} {}", problems.size(), problems.size() == 1 ? "mistake" : "mistakes");
}

}  // namespace nimbus::wash
