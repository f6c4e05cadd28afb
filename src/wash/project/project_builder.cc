#include "wash/project/project_builder.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/process.h"
#include "project/named_project.h"
#include "wash/project/wit_fetch.h"
#include "wash/terminal/build_progress.h"

namespace nimbus::wash {

std::string processPath() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
}

std::string ownProgram() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

Result<project::BuildRequest> buildRequestFor(const std::string& folder,
                                              const std::vector<project::ConfigFlag>& flags,
                                              const GlobalOptions& global) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return fail(ErrorCode::kNotFound, folder + " is not a folder");
  const project::Project found = project::namedProject(folder);
  TRY(project::LoadedConfig loaded, project::loadProjectConfig(found, flags, global.user_config));
  project::BuildRequest request{.folder = found.folder, .config = std::move(loaded.config)};
  request.path_variable = processPath();
  request.wash = ownProgram();
  return request;
}

Result<project::BuildOutcome> buildOnTerminal(project::BuildRequest request,
                                              const Interrupt& interrupt) {
  SystemProcessRunner runner;
  TerminalBuildProgress progress;
  request.stop = interrupt.token();
  request.fetch_wit = fetchWitForBuilds(runner, progress.line(),
                                        [&](std::string_view text) { progress.note(text); });
  return project::buildProject(request, runner, progress);
}

}  // namespace nimbus::wash
