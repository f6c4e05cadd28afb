#include "project/doctor.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "oci/reference.h"
#include "project/language_builder.h"

namespace nimbus::project {
namespace {

void checkConfiguration(const DoctorRequest& request, std::vector<Check>& into) {
  Check check{.name = "configuration", .path = request.project.config_file};
  if (request.config) {
    check.message = request.project.config_file.empty() ? "none; the defaults hold" : "is valid";
  } else {
    check.status = Check::Status::kError;
    check.required = true;
    check.message = request.config_error;
    check.fix = "wash config validate";
  }
  into.push_back(std::move(check));
}

void checkPort(const LoadedConfig& config, DoctorNetwork& network, std::vector<Check>& into) {
  const std::string& address = config.config.dev.address;
  Check check{.name = "port", .message = fmt::format("{} is free for wash dev", address)};
  if (const auto free = network.canListen(address); !free) {
    check.status = Check::Status::kWarning;
    check.message =
        fmt::format("wash dev cannot listen at {}: {}", address, free.error().describe());
    check.fix = "end what listens there, or set dev.address to another port";
  }
  into.push_back(std::move(check));
}

// Registries that the configuration names: of WIT packages, and of images.
std::set<std::string> registriesOf(const ProjectConfig& config) {
  std::set<std::string> registries;
  const auto addImage = [&registries](const std::string& image) {
    if (const auto reference = oci::Reference::parse(image); reference)
      registries.insert(reference->registry);
  };
  addImage(config.dev.service_image);
  for (const ComponentSettings& component : config.dev.components) addImage(component.image);
  for (const HostPluginSettings& plugin : config.dev.host_plugins) addImage(plugin.image);
  for (const HostPluginSettings& plugin : config.host.host_plugins) addImage(plugin.image);
  return registries;
}

void checkRegistries(const DoctorRequest& request, std::vector<Check>& into) {
  for (const std::string& registry : registriesOf(request.config->config)) {
    Check check{.name = "registry " + registry};
    const auto known = request.credentials(registry);
    if (!known) {
      check.status = Check::Status::kWarning;
      check.message = known.error().describe();
      check.fix = fmt::format("docker login {}", registry);
    } else {
      check.message = *known ? "credentials are known" : "is used without credentials";
    }
    into.push_back(std::move(check));
  }
}

void checkNats(const ProjectConfig& config, DoctorNetwork& network, std::vector<Check>& into) {
  for (const auto& [key, url] :
       {std::pair("dev.data_nats_url", &config.dev.data_nats_url),
        std::pair("dev.wasi_keyvalue_nats_url", &config.dev.wasi_keyvalue_nats_url)}) {
    if (url->empty()) continue;
    Check check{.name = "nats", .message = fmt::format("the server of {} answers", key)};
    if (const auto answers = network.natsAnswers(*url); !answers) {
      check.status = Check::Status::kWarning;
      check.message =
          fmt::format("the server of {} does not answer: {}", key, answers.error().describe());
      check.fix = fmt::format("start it (nats-server), or correct {}", key);
    }
    into.push_back(std::move(check));
  }
}

std::string languageOf(const DoctorRequest& request) {
  const BuildSettings none;
  const BuildSettings& build = request.config ? request.config->config.build : none;
  // A command of its own says nothing about the tools that it needs.
  if (!build.command.empty()) return {};
  const auto builder = findBuilder(request.project.folder, build);
  return builder ? std::string((*builder)->language()) : std::string();
}

}  // namespace

std::string_view statusName(Check::Status status) {
  switch (status) {
    case Check::Status::kOk: return "ok";
    case Check::Status::kAbsent: return "absent";
    case Check::Status::kWarning: return "warning";
    case Check::Status::kError: return "error";
  }
  return {};
}

bool DoctorReport::failed() const {
  return std::ranges::any_of(checks, [](const Check& check) {
    return check.required && check.status == Check::Status::kError;
  });
}

bool DoctorReport::healthy() const {
  return std::ranges::all_of(checks, [](const Check& check) {
    return check.status == Check::Status::kOk || check.status == Check::Status::kAbsent;
  });
}

void checkProject(const DoctorRequest& request, DoctorNetwork& network, std::vector<Check>& into) {
  checkConfiguration(request, into);
  if (!request.config) return;
  checkPort(*request.config, network, into);
  checkRegistries(request, into);
  checkNats(request.config->config, network, into);
}

DoctorReport examine(const DoctorRequest& request, const Toolbox& tools,
                     const ToolchainTable& table, DoctorNetwork& network) {
  DoctorReport report;
  report.language = languageOf(request);
  checkTools(report.language, request.project.folder, tools, table, report.checks);
  checkCompilers(report.language, request.environment, tools, report.checks);
  checkProject(request, network, report.checks);
  return report;
}

}  // namespace nimbus::project
