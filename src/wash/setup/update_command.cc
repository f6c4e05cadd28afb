// `wash update`: the newest release in place of this program.

#include <unistd.h>

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "project/config.h"
#include "project/directories.h"
#include "release/download.h"
#include "release/update.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/transfer_line.h"

namespace nimbus::wash {
namespace {

constexpr std::string_view kKey = "update.url";
constexpr std::string_view kVariable = "WASH_UPDATE_URL";

struct UpdateFlags {
  std::string base_url;
  std::string sha256;
  bool dry_run = false;
  bool force = false;
  bool major = false;
  bool minor = false;
  bool patch = false;
};

Result<oci::Digest> parseSha256(std::string_view hex) {
  if (auto digest = oci::Digest::parse("sha256:" + lowerAscii(hex))) return *std::move(digest);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is not a SHA-256: 64 hexadecimal digits", hex));
}

release::Reach reachOf(const UpdateFlags& flags) {
  if (flags.patch) return release::Reach::kPatch;
  return flags.minor ? release::Reach::kMinor : release::Reach::kAny;
}

// The flag, the variable or the user's file. A project has no say in which program is installed,
// and what else is set in the environment does not matter here.
Result<std::string> baseUrlOf(const UpdateFlags& flags, const GlobalOptions& global) {
  project::ConfigSources sources = project::standardSources({}, global.user_config);
  std::erase_if(sources.environment, [](const auto& entry) { return entry.first != kVariable; });
  if (!flags.base_url.empty()) sources.flags = {{std::string(kKey), flags.base_url, "--base-url"}};
  TRY(const project::LoadedConfig loaded, project::loadConfig(sources));
  if (!loaded.config.update.url.empty()) return loaded.config.update.url;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("nothing says where releases are: give --base-url URL, {}, or {} in your "
                          "own configuration",
                          kVariable, kKey));
}

Result<release::UpdateRequest> requestOf(const UpdateFlags& flags, const GlobalOptions& global) {
  release::UpdateRequest request;
  TRY(request.base_url, baseUrlOf(flags, global));
  auto current = release::Version::parse(NIMBUS_VERSION);
  if (!current) return fail(ErrorCode::kInternal, "this version is none: " NIMBUS_VERSION);
  request.current = *std::move(current);
  request.reach = reachOf(flags);
  if (!flags.sha256.empty()) {
    TRY(request.digest, parseSha256(flags.sha256));
  }
  request.dry_run = flags.dry_run;
  request.force = flags.force;
  request.program = "/proc/self/exe";
  TRY(const project::Directories folders, project::findDirectories(project::processVariables()));
  request.cache_folder = folders.cache;
  return request;
}

std::string messageOf(const release::UpdateRequest& request,
                      const release::UpdateOutcome& outcome) {
  const std::string current = request.current.text();
  const std::string target = outcome.target.text();
  if (outcome.installed) {
    return fmt::format("Updated wash from {} to {}: {} (the old program is {})", current, target,
                       outcome.install_path, outcome.backup_path);
  }
  if (outcome.available) return fmt::format("wash {} is available; this is {}", target, current);
  if (request.dry_run && request.force)
    return fmt::format("wash {} would be installed; this is {}", target, current);
  return fmt::format("wash {} is up to date; the newest release is {}", current, target);
}

int runUpdate(const UpdateFlags& flags, const GlobalOptions& global) {
  const Interrupt interrupt;
  auto request = requestOf(flags, global);
  if (!request) return reportFailure(global.format, request.error());
  request->stop = interrupt.token();
  SystemProcessRunner runner;
  TransferLine line;
  const auto outcome = release::update(*request, runner, &line);
  if (!outcome) return reportFailure(global.format, outcome.error(), interrupt);
  const auto orNull = [](const std::string& path) {
    return path.empty() ? "null" : jsonText(path);
  };
  printResult(global.format, messageOf(*request, *outcome),
              {{"current_version", jsonText(request->current.text())},
               {"target_version", jsonText(outcome->target.text())},
               {"update_available", outcome->available ? "true" : "false"},
               {"updated", outcome->installed ? "true" : "false"},
               {"dry_run", request->dry_run ? "true" : "false"},
               {"backup_path", orNull(outcome->backup_path)},
               {"install_path", orNull(outcome->install_path)}});
  return kExitOk;
}

}  // namespace

void addUpdateCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  auto flags = std::make_shared<UpdateFlags>();
  CLI::App* command = app.add_subcommand("update", "Replace this program by the newest release");
  command->alias("upgrade");
  command
      ->add_option("--base-url", flags->base_url,
                   "Where releases are (or WASH_UPDATE_URL, or update.url of your configuration)")
      ->check(acceptedBy(release::parseBaseUrl))
      ->option_text("URL");
  command
      ->add_option("--sha256", flags->sha256,
                   "The archive's digest, known from elsewhere: no other one is installed")
      ->check(acceptedBy(parseSha256))
      ->option_text("HEX");
  command->add_flag("-d,--dry-run", flags->dry_run, "Only say what would be installed");
  command->add_flag("-f,--force", flags->force, "Install also what is not newer");
  CLI::Option* major = command->add_flag("--major", flags->major, "To any version (the default)");
  CLI::Option* minor = command->add_flag("--minor", flags->minor, "Within the major version");
  CLI::Option* patch = command->add_flag("--patch", flags->patch, "Within the minor version");
  minor->excludes(major);
  patch->excludes(major)->excludes(minor);
  command->callback([flags, &global, &action] {
    action.set("update", [flags, &global] { return runUpdate(*flags, global); });
  });
}

}  // namespace nimbus::wash
