#include "wash/project/wit_fetch.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "wash/flags/registry_flags.h"
#include "wash/input/download.h"
#include "wash/terminal/clone_line.h"
#include "wash/terminal/transfer_line.h"
#include "witdeps/transport.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// Shows what a fetch waits for.
class FetchLine final : public witdeps::TransportProgress {
 public:
  FetchLine(StatusLine& line, CloneLine::Git git) : line_(line), git_(git), transfer_(line) {}
  Id begin(Direction direction, std::string_view what) override {
    return transfer_.begin(direction, what);
  }
  Id begin(Direction direction, std::string_view what, std::uint64_t done,
           std::uint64_t total) override {
    return transfer_.begin(direction, what, done, total);
  }
  void at(Id transfer, std::uint64_t done) override { transfer_.at(transfer, done); }
  void end(Id transfer) override { transfer_.end(transfer); }
  void beginClone(const std::string& url) override { clone_.emplace(line_, url, git_); }
  void endClone() override { clone_.reset(); }

 private:
  StatusLine& line_;
  const CloneLine::Git git_;
  TransferLine transfer_;
  std::optional<CloneLine> clone_;
};

Result<void> fetchBefore(const project::BuildRequest& build, ProcessRunner& runner,
                         StatusLine& line, const std::function<void(std::string_view)>& tell) {
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
                          {.reach = witdeps::Reach::kNamed, .stop = build.stop}, runner, line);
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
                                       const WitFetchChoice& choice, ProcessRunner& runner,
                                       StatusLine& line) {
  TRY(const witdeps::RegistryMap registries, witRegistries(settings));
  FetchLine progress(line,
                     choice.interactive ? CloneLine::Git::kMayAsk : CloneLine::Git::kAsksNothing);
  witdeps::NetworkTransport transport(
      {.ca_paths = flags.ca_paths,
       .insecure = flags.insecure,
       .interactive = choice.interactive,
       .stop = choice.stop,
       .progress = &progress},
      [&](const std::string& url, std::size_t max_bytes) {
        return download(url, max_bytes, progress, flags.ca_paths);
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
    ProcessRunner& runner, StatusLine& line, std::function<void(std::string_view)> tell) {
  return [&runner, &line, tell = std::move(tell)](const project::BuildRequest& build) {
    return fetchBefore(build, runner, line, tell);
  };
}

}  // namespace nimbus::wash
