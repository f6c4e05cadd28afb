#include "project/doctor.h"

#include <algorithm>
#include <map>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "base/text.h"
#include "host/manifest/provider_ref.h"
#include "oci/reference.h"
#include "project/language_builder.h"
#include "project/published_address.h"

namespace nimbus::project {
namespace {

// Where a provider at nats:PREFIX is without configuration.
constexpr std::string_view kDefaultNats = "nats://127.0.0.1:4222";

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

Check checkPort(std::string name, std::string_view key, const std::string& address,
                DoctorNetwork& network) {
  Check check{.name = std::move(name), .message = fmt::format("{} is free for wash dev", address)};
  if (const auto free = network.canListen(address); !free) {
    check.status = Check::Status::kWarning;
    check.message =
        fmt::format("wash dev cannot listen at {}: {}", address, free.error().describe());
    check.fix = fmt::format("end what listens there, or set {} to another port", key);
  }
  return check;
}

// That of HTTP, and those that lead to the service.
void checkPorts(const DevSettings& dev, DoctorNetwork& network, std::vector<Check>& into) {
  into.push_back(checkPort("port", "dev.address", dev.address, network));
  for (std::size_t i = 0; i < dev.service_ports.size(); ++i) {
    const PortSettings& port = dev.service_ports[i];
    const auto address = publishedAddress(dev.address, port.publish.value_or(0));
    if (!port.publish || !address) continue;
    into.push_back(checkPort("port " + port.name, fmt::format("dev.service_ports[{}].publish", i),
                             *address, network));
  }
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

void checkWitSources(const DoctorRequest& request, std::vector<Check>& into) {
  for (const std::string& problem : request.wit_problems) {
    into.push_back({.name = "wit sources",
                    .status = Check::Status::kWarning,
                    .message = problem,
                    .fix = "correct it: wash build and wash wit fetch will fail"});
  }
}

void checkDev(const DoctorRequest& request, std::vector<Check>& into) {
  for (const std::string& problem : request.dev_problems)
    into.push_back({.name = "wash dev",
                    .status = Check::Status::kWarning,
                    .message = problem,
                    .fix = "remove it: wash dev refuses it"});
}

void checkRegistries(const DoctorRequest& request, std::vector<Check>& into) {
  std::set<std::string> registries = registriesOf(request.config->config);
  std::set<std::string> with_login;
  for (const WitRegistryUse& use : request.wit_registries) {
    registries.insert(use.registry);
    if (use.login_known) with_login.insert(use.registry);
  }
  for (const std::string& registry : registries) {
    Check check{.name = "registry " + registry};
    if (with_login.contains(registry)) {
      check.message = "credentials are configured";
      into.push_back(std::move(check));
      continue;
    }
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

// Servers of NATS, each with what names it.
std::map<std::string, std::string> natsServersOf(const ProjectConfig& config) {
  std::map<std::string, std::string> servers;
  const std::string& own = config.dev.data_nats_url;
  if (!own.empty()) servers[own] = "dev.data_nats_url";
  const std::string& keyvalue = config.dev.wasi_keyvalue_nats_url;
  if (!keyvalue.empty()) servers.try_emplace(keyvalue, "dev.wasi_keyvalue_nats_url");
  for (const HostInterfaceSettings& interface : config.dev.host_interfaces) {
    const auto provider = host::parseProviderRef(interface.provider);
    if (!provider) continue;  // wash dev says what is wrong
    const auto* address = std::get_if<wrpc::ProviderAddress>(&*provider);
    if (address == nullptr || address->transport != wrpc::ProviderAddress::Transport::kNats)
      continue;
    const std::string host = own.empty() ? std::string(kDefaultNats) : own;
    const std::string& url = address->nats_servers.empty() ? host : address->nats_servers;
    servers.try_emplace(url,
                        fmt::format("dev.host_interfaces ({}:{} by {})", interface.namespace_name,
                                    interface.package, interface.provider));
  }
  return servers;
}

// One of a list is enough.
Result<void> anyAnswers(const std::string& urls, DoctorNetwork& network) {
  Result<void> outcome = fail(ErrorCode::kInvalidArgument, "there is no server in it");
  for (const std::string_view url : split(urls, ',')) {
    outcome = network.natsAnswers(std::string(trim(url)));
    if (outcome) break;
  }
  return outcome;
}

void checkNats(const ProjectConfig& config, DoctorNetwork& network, std::vector<Check>& into) {
  for (const auto& [url, key] : natsServersOf(config)) {
    Check check{.name = "nats", .message = fmt::format("the server of {} answers", key)};
    if (const auto answers = anyAnswers(url, network); !answers) {
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
  checkPorts(request.config->config.dev, network, into);
  checkDev(request, into);
  checkWitSources(request, into);
  checkRegistries(request, into);
  checkNats(request.config->config, network, into);
}

DoctorReport examine(const DoctorRequest& request, const Toolbox& tools,
                     const ToolchainTable& table, DoctorNetwork& network) {
  DoctorReport report;
  report.language = languageOf(request);
  const BuildSettings build = request.config ? request.config->config.build : BuildSettings{};
  // As builds see it.
  StringMap environment = request.environment;
  for (const auto& [name, value] : build.env) environment[name] = value;
  const ProjectNeeds needs = needsOf(request.project.folder, report.language, build, environment);
  checkTools(report.language, request.project.folder, needs, tools, table, report.checks);
  checkCompilers(report.language, needs, environment, tools, table, report.checks);
  checkDemands(needs, environment, table, report.checks);
  checkProject(request, network, report.checks);
  return report;
}

}  // namespace nimbus::project
