#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "project/build.h"
#include "project/settings.h"
#include "wash/terminal/status_line.h"
#include "witdeps/fetch.h"
#include "witdeps/registry_map.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// Flags about where packages come from.
struct WitNetworkFlags {
  bool offline = false;
  bool insecure = false;
  std::vector<std::string> ca_paths;
};

// --offline, --insecure, --ca-path.
void addWitNetworkFlags(CLI::App& command, WitNetworkFlags& flags);

// Where packages come from: the user's configuration of wkg, with the credentials of the project's.
[[nodiscard]] Result<witdeps::RegistryMap> witRegistries(const project::WitSettings& settings);

// What else a fetch is to be.
struct WitFetchChoice {
  witdeps::Refresh refresh = witdeps::Refresh::kMissing;
  witdeps::Reach reach = witdeps::Reach::kAnywhere;
  bool forget_all = false;
  std::optional<wit::PackageRef> forget = {};
  bool interactive = false;
  std::stop_token stop = {};
};

// Fetches what the folder's package needs, with the user's configuration of registries. Blocks; the
// line shows what it waits for.
[[nodiscard]] Result<witdeps::FetchOutcome> fetchWit(const std::string& project,
                                                     const project::WitSettings& settings,
                                                     witdeps::WitFolder& folder,
                                                     const WitNetworkFlags& flags,
                                                     const WitFetchChoice& choice,
                                                     ProcessRunner& runner, StatusLine& line);

// For project::BuildRequest: the same before a build, but only of what the lock file or the
// configuration names, and a line for each package that was fetched.
// WIT that cannot be read is left to the tools that build. `runner` and `line` outlive it.
[[nodiscard]] std::function<Result<void>(const project::BuildRequest&)> fetchWitForBuilds(
    ProcessRunner& runner, StatusLine& line, std::function<void(std::string_view)> tell);

}  // namespace nimbus::wash
