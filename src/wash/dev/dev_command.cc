// `wash dev`: builds and serves a project, and does both again whenever something changes.

#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "dev/plan_from_config.h"
#include "dev/project_build.h"
#include "net/address.h"
#include "net/descriptors.h"
#include "net/watch.h"
#include "plugin/grant_book.h"
#include "project/config.h"
#include "project/named_project.h"
#include "wash/command.h"
#include "wash/dev/dev_first_component.h"
#include "wash/dev/dev_server.h"
#include "wash/flags/engine_flags.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/guest_options.h"
#include "wash/input/project_input.h"
#include "wash/output/line_printer.h"
#include "wash/plugins/plugins.h"
#include "wash/project/project_builder.h"
#include "wash/project/wit_fetch.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

struct DevFlags {
  std::string project = ".";
  std::string address;
  std::string component_path;
  bool no_build = false;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string settle = "5ms";
  bool log_requests = false;
  EngineFlags engine;
};

// Paths of flags start at the current folder, those of the configuration at the project's.
Result<void> addPath(std::vector<project::ConfigFlag>& flags, std::string key,
                     const std::string& path, std::string flag) {
  if (path.empty()) return {};
  TRY(std::string absolute, absolutePath(path));
  flags.push_back({std::move(key), std::move(absolute), std::move(flag)});
  return {};
}

Result<dev::PlanRequest> requestOf(const DevFlags& flags, const GlobalOptions& global,
                                   const plugin::HookContext& context) {
  std::error_code error;
  const std::string folder = fs::canonical(flags.project, error).string();
  if (error) return failErrno(flags.project, error.value());
  dev::PlanRequest request;
  TRY(const project::Project found, project::developedProject(folder, global.user_config));
  request.folder = found.folder;
  if (!global.user_config.empty()) {
    TRY(request.user_file, absolutePath(global.user_config));
  }
  request.no_build = flags.no_build;
  if (!flags.address.empty()) request.flags.push_back({"dev.address", flags.address, "--address"});
  if (!flags.component_path.empty())
    request.flags.push_back({"dev.component_path", flags.component_path, "--component-path"});
  TRY_VOID(addPath(request.flags, "dev.tls_cert_path", flags.tls_certificate, "--tls-cert"));
  TRY_VOID(addPath(request.flags, "dev.tls_key_path", flags.tls_key, "--tls-key"));
  TRY_VOID(addPath(request.flags, "dev.tls_ca_path", flags.tls_client_ca, "--tls-ca"));
  for (const auto& [name, value] : context.below("dev.environment."))
    request.environment[name] = value;
  return request;
}

dev::ProjectBuilder builderOf(ProcessRunner& runner, LinePrinter& lines, StatusLine& status) {
  return {.runner = runner,
          .path_variable = processPath(),
          .wash = ownProgram(),
          .output = [&lines](std::string_view text) { lines.write(LinePrinter::To::kError, text); },
          .fetch_wit = fetchWitForBuilds(runner, status, [&lines](std::string_view text) {
            lines.write(LinePrinter::To::kError, std::string(text) + "\n");
          })};
}

int run(const DevFlags& flags, const GlobalOptions& global, Plugins& plugins,
        plugin::HookContext& context) {
  // They wait for who serves.
  const net::TerminationSignalsBlocked until_it_serves;
  net::raiseDescriptorLimit();
  auto request = requestOf(flags, global, context);
  if (!request) return reportFailure(global.format, request.error());
  const auto runtime = plugins.runtime();
  if (!runtime) return reportFailure(global.format, runtime.error());
  // Followed from the start, so that the first plugin is noticed too.
  if (const std::string& folder = plugins.store().folder(); ensurePrivateFolder(folder)) {
    request->sources.push_back(plugins.store().lockFile());
    request->sources.push_back(plugin::GrantBook::fileIn(folder));
  }
  SystemProcessRunner runner;
  DevServerOptions options;
  options.settle = *parseDuration(flags.settle);
  options.log_requests =
      flags.log_requests || (global.format == OutputFormat::kText && ::isatty(STDOUT_FILENO) == 1);
  options.engine = engineOptionsOf(flags.engine);
  options.engine.compile = engine::EngineOptions::Compile::kForEditing;
  options.ending = [&plugins] { plugins.refuseQuestions(); };
  DevFirstComponent first(plugins);
  const auto functions = [&](LinePrinter& lines, StatusLine& status) {
    return DevParts::Functions{
        .plan =
            [&] {
              auto plan = dev::makePlan(*request, project::processVariables(), runner);
              if (plan && request->no_build) first.note((*plan)->components.front().spec.file);
              return plan;
            },
        .build =
            [&](const dev::PlannedProject& project, std::stop_token stop) {
              auto built =
                  dev::buildPlanned(project, std::move(stop), builderOf(runner, lines, status));
              if (built) first.note(built->component_path);
              return built;
            },
        .configure =
            [&](const dev::PlannedPlugins& settings) {
              return plugins.configure({settings.rules, settings.config});
            }};
  };
  const DevParts parts{functions, plugins.store(), plugins.problems(), **runtime, plugins.log(),
                       context,   global};
  const auto served = serveDevelopment(options, parts);
  plugins.askAgain();  // for hooks after it
  const auto told = first.tell(context);
  if (!served) return reportFailure(global.format, served.error());
  return told ? kExitOk : reportFailure(global.format, told.error());
}

void addFlags(CLI::App& command, DevFlags& flags) {
  command.add_option("project", flags.project, "The project's folder")
      ->option_text("FOLDER (default .)");
  command
      .add_option("--addr,--address", flags.address, "Where to serve HTTP; port 0 takes a free one")
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text(fmt::format("ADDRESS:PORT (default {})", dev::ServerSettings().address));
  command
      .add_option("--component-path,--artifact-path", flags.component_path,
                  "Where the build leaves the component")
      ->option_text("FILE");
  command.add_flag("--no-build", flags.no_build,
                   "Build nothing: serve the component as it lies there, and follow it");
  command.add_option("--tls-cert", flags.tls_certificate, "Certificate chain (PEM): serve TLS")
      ->option_text("FILE");
  command.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->option_text("FILE");
  command
      .add_option("--tls-ca,--tls-client-ca", flags.tls_client_ca,
                  "Clients must show a certificate of one of these (PEM)")
      ->option_text("FILE");
  command.add_option("--settle", flags.settle, "How long files must be quiet before it builds")
      ->check(acceptedBy(parseDuration))
      ->option_text("DURATION (default 5ms)");
  command.add_flag("--log-requests", flags.log_requests,
                   "A line for each request, also where standard output is no terminal");
  addEngineFlags(command, flags.engine);
}

}  // namespace

void addDevCommand(CLI::App& app, const GlobalOptions& global, Action& action, Plugins& plugins) {
  CLI::App* command = app.add_subcommand(
      "dev", "Build and serve a project, and do both again whenever something changes");
  auto flags = std::make_shared<DevFlags>();
  addFlags(*command, *flags);
  command->callback([flags, &global, &action, &plugins] {
    Action::Inputs inputs;
    if (!flags->address.empty()) inputs["dev.address"] = flags->address;
    if (!flags->component_path.empty()) inputs["dev.component_path"] = flags->component_path;
    // What is wrong with its configuration is told when it is used.
    const auto found = project::developedProject(flags->project, global.user_config);
    putProject(found ? found->folder : flags->project, inputs);
    action.set("dev", std::move(inputs), [flags, &global, &plugins](plugin::HookContext& context) {
      return run(*flags, global, plugins, context);
    });
  });
}

}  // namespace nimbus::wash
