#include "wash/input/resolve_component.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "base/files.h"
#include "project/build.h"
#include "project/built_files.h"
#include "project/config.h"
#include "project/language_builder.h"
#include "wit/tools.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxComponentBytes = 256ULL * 1024 * 1024;
constexpr std::size_t kMostNamed = 5;  // results in one message
constexpr std::string_view kWasmMagic("\0asm", 4);

Result<ResolvedComponent> readComponent(const std::string& path) {
  TRY(std::string content, readFile(path, kMaxComponentBytes));
  if (path.ends_with(".wat")) {
    TRY(Bytes bytes, wit::watToWasm(content, path));
    return ResolvedComponent{std::move(bytes), path};
  }
  if (!content.starts_with(kWasmMagic)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a WebAssembly binary", path));
  }
  return ResolvedComponent{Bytes::take(std::move(content)), path};
}

std::string howToBuild(const fs::path& project) {
  return fmt::format("build it first: wash build {}", project.string());
}

Result<ResolvedComponent> readConfigured(const fs::path& project,
                                         const project::LoadedConfig& loaded) {
  const project::BuildSettings& build = loaded.config.build;
  const std::string path = (project / build.component_path).lexically_normal().string();
  std::error_code error;
  if (!fs::exists(path, error)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} (build.component_path of {}) does not exist; {}", path,
                            loaded.originOf("build.component_path").name, howToBuild(project)));
  }
  return readComponent(path);
}

Result<ResolvedComponent> readOnlyResult(const fs::path& project,
                                         const project::BuildSettings& build) {
  const std::vector<fs::path> results =
      project::findBuiltFiles(project, project::configuredProfile(build));
  if (results.empty()) {
    const auto builder = project::findBuilder(project, build);
    if (builder && (*builder)->product() == project::BuildProduct::kProgram)
      return fail(ErrorCode::kInvalidArgument, project::whyNoComponent(project.string()));
    return fail(ErrorCode::kNotFound,
                fmt::format("no built component in {}; {}", project.string(), howToBuild(project)));
  }
  if (results.size() == 1) return readComponent(results[0].string());

  std::vector<fs::path> components;
  std::ranges::copy_if(results, std::back_inserter(components), project::isComponentFile);
  if (components.size() == 1) return readComponent(components[0].string());

  std::vector<std::string> names;
  for (const fs::path& result : results | std::views::take(kMostNamed))
    names.push_back(result.string());
  if (results.size() > kMostNamed)
    names.push_back(fmt::format("and {} more", results.size() - kMostNamed));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has {} results: {}; name one of them instead of the folder, or set "
                          "build.component_path in {}",
                          project.string(), results.size(), fmt::join(names, ", "),
                          (project / ".wash" / "config.yaml").string()));
}

// What a command of the configuration is told to write, if that is there.
std::optional<fs::path> writtenByCommand(const fs::path& project,
                                         const project::ProjectConfig& config) {
  if (!project::isBuiltByCommand(config.build)) return std::nullopt;
  const std::string folder = project::absoluteFolder(project.string());
  fs::path file = project / fs::path(project::expectedComponentPath(folder, config)).filename();
  return project::isComponentFile(file) ? std::optional(std::move(file)) : std::nullopt;
}

Result<ResolvedComponent> resolveProject(const fs::path& project, const std::string& user_file) {
  const project::Project at{project.string(),
                            project::findConfigFile((project / project::kConfigFolder).string())};
  TRY(const project::LoadedConfig loaded, project::loadProjectConfig(at, {}, user_file));
  if (!loaded.config.build.component_path.empty()) return readConfigured(project, loaded);
  if (const auto written = writtenByCommand(project, loaded.config))
    return readComponent(written->string());
  return readOnlyResult(project, loaded.config.build);
}

}  // namespace

Result<ResolvedComponent> resolveComponent(std::string_view argument,
                                           const std::string& user_file) {
  std::error_code error;
  const fs::path path(argument);
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is neither a file nor a project folder", path.string()));
  }
  if (status.type() != fs::file_type::directory) return readComponent(path.string());
  return resolveProject(project::withoutLastSlash(path.string()), user_file);
}

}  // namespace nimbus::wash
