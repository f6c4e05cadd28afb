#include "wash/project/wit_fetch.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "wash/flags/registry_flags.h"
#include "wash/input/download.h"
#include "wash/terminal/transfer_line.h"
#include "witdeps/transport.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

Result<void> fetchBefore(const project::BuildRequest& build, ProcessRunner& runner,
                         const std::function<void(std::string_view)>& tell) {
  const project::WitSettings& settings = build.config.wit;
  TRY(witdeps::WitFolder folder,
      witdeps::WitFolder::read(fs::path(build.folder) / settings.wit_dir));
  if (folder.main().empty()) return {};
  if (const auto about = wit::packageNeeds(folder.main()); !about) {
    tell(fmt::format("dependencies in {} are not fetched: {}", settings.wit_dir,
                     about.error().describe()));
    return {};
  }
  const WitNetworkFlags flags{.ca_paths = caPathsOfEnvironment()};
  auto outcome = fetchWit(build.folder, settings, folder, flags,
                          {.reach = witdeps::Reach::kNamed, .stop = build.stop}, runner);
  if (!outcome) {
    return fail(outcome.error().code(),
                "the dependencies in wit/ cannot be fetched (--skip-fetch builds without that)",
                outcome.error());
  }
  for (const std::string& note : outcome->notes) tell(note);
  if (!outcome->changed) return {};
  for (const witdeps::FetchedPackage& package : outcome->packages) {
    if (!package.from.empty())
      tell(fmt::format("fetched {} from {}", package.package.text(), package.from));
  }
  return {};
}

}  // namespace

Result<witdeps::RegistryMap> witRegistries(const project::WitSettings& settings) {
  witdeps::RegistryMap registries;
  const std::string path = witdeps::defaultWkgConfigPath();
  std::error_code error;
  if (!path.empty() && fs::exists(path, error)) {
    TRY(const std::string text, readFile(path, kMaxConfigBytes));
    TRY_VOID(registries.addConfig(text, path));
  }
  TRY_VOID(registries.addLogins(settings.registries));
  return registries;
}

void addWitNetworkFlags(CLI::App& command, WitNetworkFlags& flags) {
  command.add_flag("--offline", flags.offline,
                   "Take packages from this machine and from the cache only");
  command.add_flag("--insecure", flags.insecure, "Talk to registries over HTTP, without TLS");
  addCaPathFlag(command, "--ca-path", "PEM file of more certificate authorities (repeatable)",
                flags.ca_paths);
}

Result<witdeps::FetchOutcome> fetchWit(const std::string& project,
                                       const project::WitSettings& settings,
                                       witdeps::WitFolder& folder, const WitNetworkFlags& flags,
                                       const WitFetchChoice& choice, ProcessRunner& runner) {
  TRY(const witdeps::RegistryMap registries, witRegistries(settings));
  witdeps::NetworkTransport transport(
      {.ca_paths = flags.ca_paths,
       .insecure = flags.insecure,
       .interactive = choice.interactive,
       .stop = choice.stop},
      [&flags](const std::string& url, std::size_t max_bytes) {
        TransferLine line;
        return download(url, max_bytes, line, flags.ca_paths);
      },
      runner);
  return witdeps::fetchDependencies({.project = project,
                                     .settings = settings,
                                     .registries = registries,
                                     .refresh = choice.refresh,
                                     .reach = choice.reach,
                                     .forget_all = choice.forget_all,
                                     .forget = choice.forget,
                                     .offline = flags.offline,
                                     .insecure = flags.insecure},
                                    folder, transport);
}

std::function<Result<void>(const project::BuildRequest&)> fetchWitForBuilds(
    ProcessRunner& runner, std::function<void(std::string_view)> tell) {
  return [&runner, tell = std::move(tell)](const project::BuildRequest& build) {
    return fetchBefore(build, runner, tell);
  };
}

}  // namespace nimbus::wash
