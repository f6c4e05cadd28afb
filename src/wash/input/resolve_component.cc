#include "wash/input/resolve_component.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <ranges>
#include <vector>

#include "base/files.h"
#include "project/build.h"
#include "project/config.h"
#include "project/language_builder.h"
#include "wit/tools.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxComponentBytes = 256ULL * 1024 * 1024;
constexpr std::size_t kMostNamed = 5;  // results in one message
constexpr std::size_t kHeaderBytes = 8;
constexpr std::string_view kComponentHeader("\0asm\x0d\0\x01\0", kHeaderBytes);
constexpr std::string_view kWasmMagic = kComponentHeader.substr(0, 4);

bool isComponentFile(const fs::path& path) {
  std::array<char, kHeaderBytes> header{};
  std::ifstream file(path, std::ios::binary);
  file.read(header.data(), header.size());
  return file && std::string_view(header.data(), header.size()) == kComponentHeader;
}

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

// Files of a folder that end with .wasm, in the order of their names; none if there is no folder.
std::vector<fs::path> wasmFilesIn(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const bool fits = it->path().extension() == ".wasm" && it->is_regular_file(ignored);
    if (fits) files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

// target/wasm32-*/release
std::vector<fs::path> cargoOutputFolders(const fs::path& project) {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path target = project / "target";
  for (fs::directory_iterator it(target, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with("wasm32-")) {
      folders.push_back(it->path() / "release");
    }
  }
  std::ranges::sort(folders);
  return folders;
}

std::vector<fs::path> findResults(const fs::path& project) {
  std::vector<fs::path> results;
  for (const fs::path& folder : cargoOutputFolders(project)) {
    // Beside them lie the core modules of every binary and library of the workspace.
    std::ranges::copy_if(wasmFilesIn(folder), std::back_inserter(results), isComponentFile);
  }
  for (const fs::path& folder : {project / "build", project / "dist", project}) {
    std::ranges::copy(wasmFilesIn(folder), std::back_inserter(results));
  }
  return results;
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
  const std::vector<fs::path> results = findResults(project);
  if (results.empty()) {
    const auto builder = project::findBuilder(project, build);
    if (builder && (*builder)->product() == project::BuildProduct::kProgram)
      return fail(ErrorCode::kInvalidArgument, project::whyNoComponent(project.string()));
    return fail(ErrorCode::kNotFound,
                fmt::format("no built component in {}; {}", project.string(), howToBuild(project)));
  }
  if (results.size() == 1) return readComponent(results[0].string());

  std::vector<fs::path> components;
  std::ranges::copy_if(results, std::back_inserter(components), isComponentFile);
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

Result<ResolvedComponent> resolveProject(const fs::path& project) {
  const project::Project at{project.string(),
                            project::findConfigFile((project / project::kConfigFolder).string())};
  TRY(const project::LoadedConfig loaded, project::loadProjectConfig(at));
  if (!loaded.config.build.component_path.empty()) return readConfigured(project, loaded);
  const std::string by_command =
      project::expectedComponentPath(at.folder, loaded.config);  // if there is a build.command
  if (!loaded.config.build.command.empty() && isComponentFile(by_command)) {
    return readComponent(by_command);
  }
  return readOnlyResult(project, loaded.config.build);
}

}  // namespace

Result<ResolvedComponent> resolveComponent(std::string_view argument) {
  std::error_code error;
  fs::path path(argument);
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is neither a file nor a project folder", path.string()));
  }
  if (status.type() != fs::file_type::directory) return readComponent(path.string());
  if (!path.has_filename()) path = path.parent_path();  // without the slash at the end
  return resolveProject(path);
}

}  // namespace nimbus::wash
