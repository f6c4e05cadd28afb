// `wash dev`: builds and serves a project, and does both again whenever something changes.

#include <unistd.h>

#include <filesystem>

#include <CLI/CLI.hpp>

#include "dev/shell_build.h"
#include "net/address.h"
#include "project/config.h"
#include "wash/command.h"
#include "wash/dev_server.h"
#include "wash/engine_flags.h"
#include "wash/flag_check.h"
#include "wash/guest_options.h"
#include "wash/line_printer.h"
#include "wash/termination.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultAddress = "127.0.0.1:8000";

struct DevFlags {
  std::string project = ".";
  std::string address;
  std::string component_path;
  bool no_build = false;
  std::size_t shards = 1;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string settle = "15ms";
  bool log_requests = false;
  EngineFlags engine;
};

using dev::DevPlan;
using dev::StringMap;

Result<std::shared_ptr<const DevPlan>> planOf(const DevFlags& flags, const StringMap& environment) {
  std::error_code error;
  const std::string folder = fs::canonical(flags.project, error).string();
  if (error) return failErrno(flags.project, error.value());
  const project::Project at{folder, project::findConfigFile(folder + "/.wash")};
  TRY(const project::LoadedConfig loaded, project::loadProjectConfig(at));
  const project::BuildSettings& config = loaded.config.build;
  auto plan = std::make_shared<DevPlan>();
  plan->server.address = flags.address.empty() ? std::string(kDefaultAddress) : flags.address;
  plan->server.tls_certificate = flags.tls_certificate;
  plan->server.tls_key = flags.tls_key;
  plan->server.tls_client_ca = flags.tls_client_ca;
  for (const char* name : {"config.yaml", "config.yml", "config.json"})
    plan->sources.push_back(folder + "/.wash/" + name);
  dev::PlannedComponent& component = plan->components.emplace_back();
  component.spec.name = "app";
  component.spec.local_resources.environment = environment;
  component.spec.local_resources.allowed_hosts = {"*"};
  const std::string made =
      flags.component_path.empty() ? config.component_path : flags.component_path;
  if (made.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "nothing says where the component is: set build.component_path in " + folder +
                    "/.wash/config.yaml, or give --component-path");
  }
  if (flags.no_build) {
    component.spec.file = (fs::path(folder) / made).lexically_normal().string();
    return plan;
  }
  if (config.command.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "nothing says how the project is built: set build.command in " + folder +
                    "/.wash/config.yaml, or give --no-build");
  }
  component.project = 0;
  dev::PlannedProject& project = plan->projects.emplace_back();
  project.component = component.spec.name;
  project.folder = folder;
  project.command = config.command;
  project.component_path = made;
  return plan;
}

int run(const DevFlags& flags, const GlobalOptions& global, plugin::HookContext& context) {
  Termination::prepare();
  StringMap environment;
  for (const auto& [name, value] : context.below("dev.environment.")) environment[name] = value;
  SystemProcessRunner runner;
  const SystemClock clock;
  DevServerOptions options;
  options.shards = flags.shards;
  options.settle = *parseDuration(flags.settle);
  options.log_requests =
      flags.log_requests || (global.format == OutputFormat::kText && ::isatty(STDOUT_FILENO) == 1);
  options.engine = engineOptionsOf(flags.engine);
  const auto functions = [&](LinePrinter& lines) {
    return dev::ProjectWorkbench::Functions{
        .plan = [&] { return planOf(flags, environment); },
        .build =
            [&](const dev::PlannedProject& project, std::stop_token stop) {
              return dev::buildByShell(project, std::move(stop),
                                       {runner, clock, [&lines](std::string_view text) {
                                          lines.write(LinePrinter::To::kError, text);
                                        }});
            },
        .plugins = [] { return std::vector<dev::DevPlugin>(); }};
  };
  const auto served = serveDevelopment(options, functions, global, context);
  return served ? kExitOk : reportFailure(global.format, served.error());
}

void addFlags(CLI::App& command, DevFlags& flags) {
  command.add_option("project", flags.project, "The project's folder")
      ->option_text("FOLDER (default .)");
  command
      .add_option("--addr,--address", flags.address, "Where to serve HTTP; port 0 takes a free one")
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text("ADDRESS:PORT (default 127.0.0.1:8000)");
  command
      .add_option("--component-path,--artifact-path", flags.component_path,
                  "Where the build leaves the component")
      ->option_text("FILE");
  command.add_flag("--no-build", flags.no_build,
                   "Build nothing: serve the component as it lies there, and follow it");
  command.add_option("--shards", flags.shards, "Threads that serve; 0: one per core")
      ->option_text("COUNT (default 1)");
  CLI::Option* certificate =
      command.add_option("--tls-cert", flags.tls_certificate, "Certificate chain (PEM): serve TLS")
          ->option_text("FILE");
  CLI::Option* key =
      command.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->option_text("FILE");
  certificate->needs(key);
  key->needs(certificate);
  command
      .add_option("--tls-ca,--tls-client-ca", flags.tls_client_ca,
                  "Clients must show a certificate of one of these (PEM)")
      ->option_text("FILE")
      ->needs(certificate);
  command.add_option("--settle", flags.settle, "How long files must be quiet before it builds")
      ->check(acceptedBy(parseDuration))
      ->option_text("DURATION (default 15ms)");
  command.add_flag("--log-requests", flags.log_requests,
                   "A line for each request, also where standard output is no terminal");
  addEngineFlags(command, flags.engine);
}

}  // namespace

void addDevCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand(
      "dev", "Build and serve a project, and do both again whenever something changes");
  auto flags = std::make_shared<DevFlags>();
  addFlags(*command, *flags);
  command->callback([flags, &global, &action] {
    Action::Inputs inputs;
    if (!flags->address.empty()) inputs["dev.address"] = flags->address;
    if (!flags->component_path.empty()) inputs["dev.component_path"] = flags->component_path;
    action.set("dev", std::move(inputs), [flags, &global](plugin::HookContext& context) {
      return run(*flags, global, context);
    });
  });
}

}  // namespace nimbus::wash
