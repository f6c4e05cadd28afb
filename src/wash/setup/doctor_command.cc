// `wash doctor`: whether this machine has what building and running needs.

#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "dev/plan_support.h"
#include "oci/credentials.h"
#include "project/build.h"
#include "project/doctor.h"
#include "project/doctor_network.h"
#include "wash/plugins/plugin_commands.h"
#include "wash/project/project_builder.h"
#include "wash/setup/config_file.h"
#include "wash/setup/doctor_plugins.h"
#include "wash/setup/doctor_wit.h"
#include "wash/terminal/ask.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {
namespace {

using project::Check;
using Status = Check::Status;

constexpr int kFixTimeoutMinutes = 10;

struct DoctorFlags {
  bool fix = false;
  bool yes = false;
};

std::string environmentVariable(const char* name) {
  return project::processVariables()(name).value_or("");
}

// As for builds of the project, which find what stands beside this program.
std::string searchPath(const project::DoctorRequest& request) {
  project::BuildRequest build{
      .folder = {}, .config = {}, .path_variable = processPath(), .wash = ownProgram()};
  if (request.config) build.config = request.config->config;
  return project::toolPath(build);
}

project::DoctorRequest requestFor(const GlobalOptions& global, ProcessRunner& runner) {
  project::DoctorRequest request;
  request.project = currentProject();
  auto loaded = project::loadProjectConfig(request.project, {}, global.user_config);
  if (loaded) {
    request.config = *std::move(loaded);
    addWitSources(request.config->config.wit, request);
    for (const Error& error : dev::unsupportedKeys(*request.config))
      request.dev_problems.push_back(error.message());
  } else {
    request.config_error = loaded.error().describe();
  }
  for (const char* name :
       {"WASI_SDK_PATH", "HOME", "GOTOOLCHAIN", "CMAKE_GENERATOR", "CMAKE_PREFIX_PATH", "CXX"})
    if (const std::string value = environmentVariable(name); !value.empty())
      request.environment[name] = value;
  request.credentials = [&runner](const std::string& registry) -> Result<bool> {
    oci::DockerCredentials source(oci::DockerCredentials::defaultPath(), runner);
    TRY(const auto credential, source.find(registry));
    return credential.has_value();
  };
  return request;
}

std::string describe(const Check& check) {
  std::string line = fmt::format("{:<8} {}", project::statusName(check.status), check.name);
  if (!check.version.empty()) line += " " + check.version;
  if (!check.message.empty()) line += ": " + check.message;
  const bool wrong = check.status == Status::kWarning || check.status == Status::kError;
  if (wrong && !check.fix.empty()) line += fmt::format("\n{:<8} fix: {}", "", check.fix);
  return line;
}

std::string jsonOf(const Check& check) {
  const auto orNull = [](const std::string& text) {
    return text.empty() ? std::string("null") : jsonText(text);
  };
  return fmt::format(
      R"({{"name":{},"status":{},"required":{},"version":{},"path":{},"message":{},"fix":{}}})",
      jsonText(check.name), jsonText(project::statusName(check.status)), check.required,
      orNull(check.version), orNull(check.path), orNull(check.message),
      check.status == Status::kOk ? "null" : orNull(check.fix));
}

void printText(const project::DoctorReport& report, bool verbose) {
  std::string text = fmt::format("project: {}\n",
                                 report.language.empty() ? "none that is known" : report.language);
  for (const Check& check : report.checks)
    if (verbose || check.status != Status::kAbsent) text += describe(check) + "\n";
  text += report.failed()    ? "something that this project needs is missing"
          : report.healthy() ? "everything needed is there"
                             : "there are warnings";
  printOutput(text + "\n");
}

void printJson(const project::DoctorReport& report, const project::Project& project) {
  std::string issues = "[";
  std::string binaries = "{";
  for (const Check& check : report.checks) {
    if (check.status == Status::kWarning || check.status == Status::kError)
      issues += (issues.size() == 1 ? "" : ",") + jsonText(check.name + ": " + check.message);
    if (!check.path.empty() && check.name != "configuration")
      binaries +=
          (binaries.size() == 1 ? "" : ",") + jsonText(check.name) + ":" + jsonText(check.path);
  }
  const std::string_view status = report.healthy() ? "healthy" : "issues_found";
  printOutput(
      resultLine(!report.failed(), status,
                 {{"status", jsonText(status)},
                  {"issues", issues + "]"},
                  {"project_context", report.language.empty() ? "null" : jsonText(report.language)},
                  {"config", fmt::format(R"({{"project_path":{},"project_config_path":{}}})",
                                         jsonText(project.folder), jsonText(project.config_file))},
                  {"binaries", binaries + "}"},
                  {"checks", jsonArray(report.checks, jsonOf)}}));
}

// Runs the safe fixes that are agreed to. Returns whether any was run.
Result<bool> applyFixes(const project::DoctorReport& report, const DoctorFlags& flags,
                        const GlobalOptions& global, ProcessRunner& runner,
                        const std::stop_token& stop) {
  bool ran = false;
  for (const Check& check : report.checks) {
    const bool wrong = check.status == Status::kWarning || check.status == Status::kError;
    if (!wrong || check.safe_fix.empty()) continue;
    if (!flags.yes && global.non_interactive) {
      fmt::print(stderr, "not run without an answer, or --yes: {}\n", check.fix);
      continue;
    }
    if (!flags.yes) {
      TRY(const bool agreed, askConsent(fmt::format("run \"{}\"?", check.fix), stop));
      if (!agreed) continue;
    }
    ProcessSpec spec{.arguments = check.safe_fix};
    spec.sink = [](ProcessStream, std::string_view chunk) {
      std::fwrite(chunk.data(), 1, chunk.size(), stderr);
    };
    spec.timeout = std::chrono::minutes(kFixTimeoutMinutes);
    spec.stop = stop;
    TRY(const ProcessOutcome outcome, runner.run(spec));
    if (!outcome.ok())
      fmt::print(stderr, "\"{}\" ended with status {}\n", check.fix, outcome.exit_status);
    ran = true;
  }
  return ran;
}

int examineAndReport(const DoctorFlags& flags, const GlobalOptions& global, Plugins& plugins,
                     plugin::HookContext& context, const Interrupt& interrupt) {
  SystemProcessRunner runner;
  project::SystemDoctorNetwork network;
  const project::DoctorRequest request = requestFor(global, runner);
  const project::Toolbox tools(runner, searchPath(request), request.project.folder,
                               interrupt.token());
  const auto examine = [&] {
    const StatusLine line("Looking at tools");
    return project::examine(request, tools, project::toolchains(), network);
  };
  project::DoctorReport report = examine();
  if (flags.fix) {
    const auto ran = applyFixes(report, flags, global, runner, interrupt.token());
    if (!ran && !interrupt.received()) return reportFailure(global.format, ran.error());
    if (ran && *ran) report = examine();
  }
  if (interrupt.received()) return reportInterrupted(global.format, interrupt);
  addPluginChecks(plugins, context, report.checks);
  if (interrupt.received()) return reportInterrupted(global.format, interrupt);
  if (global.format == OutputFormat::kJson) {
    printJson(report, request.project);
  } else {
    printText(report, global.verbose);
  }
  return report.failed() ? kExitFailed : kExitOk;
}

}  // namespace

void addDoctorCommand(CLI::App& app, const PluginCommandParts& parts) {
  CLI::App* command =
      app.add_subcommand("doctor", "Check that this machine has what building and running needs");
  const auto flags = std::make_shared<DoctorFlags>();
  command->add_flag("--fix", flags->fix, "Offer to run the commands that are safe");
  command->add_flag("-y,--yes", flags->yes, "With --fix: run them without asking");
  command->callback([flags, &parts] {
    parts.action.set("doctor", {{"project.path", currentProject().folder}},
                     [flags, &parts](plugin::HookContext& context) {
                       const Interrupt interrupt;
                       return examineAndReport(*flags, parts.global, parts.plugins, context,
                                               interrupt);
                     });
  });
}

}  // namespace nimbus::wash
