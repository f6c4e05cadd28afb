// Values that need or exclude each other, and texts that must have a form.

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/bindings/keyvalue_stores.h"
#include "host/egress/egress_rules.h"
#include "host/manifest/manifest.h"
#include "host/manifest/text_rules.h"
#include "net/address.h"
#include "project/component_name.h"
#include "project/config_layer.h"

namespace nimbus::project {
namespace {

// The line of "dev.components[1].image", or of what it stands in.
std::uint32_t lineOf(const YamlNode& root, std::string_view key, std::uint32_t otherwise) {
  const YamlNode* node = &root;
  std::uint32_t line = otherwise;
  for (std::string_view step : split(key, '.')) {
    const std::size_t bracket = step.find('[');
    const YamlNode* next = findEntry(*node, step.substr(0, bracket));
    if (next != nullptr && bracket != std::string_view::npos) {
      const auto index = parseDecimal(step.substr(bracket + 1, step.size() - bracket - 2));
      next = index && *index < next->items.size() ? &next->items[*index] : nullptr;
    }
    if (next == nullptr) break;
    node = next;
    line = next->line;
  }
  return line;
}

class Meaning {
 public:
  Meaning(const LoadedConfig& loaded, std::vector<ConfigProblem>& errors)
      : loaded_(loaded), config_(loaded.config), errors_(errors) {}

  void check() {
    checkBuild();
    checkDevAddress();
    checkUrls();
    checkHosts();
    checkService();
    checkComponents();
    checkRoutes();
    checkVolumes();
    checkHostPlugins("dev.host_plugins", config_.dev.host_plugins);
    checkHostPlugins("host.hostPlugins", config_.host.host_plugins);
    checkLayer("workload.environment", config_.workload.environment);
  }

 private:
  // Reported at the place of the key's value.
  void report(std::string_view key, std::string message) {
    Origin origin = loaded_.originOf(key);
    if (origin.line != 0) origin.line = lineOf(loaded_.given, key, origin.line);
    errors_.push_back({origin.kind == Origin::Kind::kEnvironment ? origin.describe() : origin.name,
                       origin.line, std::move(message)});
  }

  void checkBuild() {
    for (const auto& [key, command] : {std::pair("build.command", &config_.build.command),
                                       std::pair("dev.command", &config_.dev.command),
                                       std::pair("new.command", &config_.new_project.command)})
      if (loaded_.isGiven(key) && trim(*command).empty())
        report(key, fmt::format("{} is empty", key));
  }

  void checkDevAddress() {
    const DevSettings& dev = config_.dev;
    if (!net::Endpoint::parse(dev.address))
      report("dev.address", fmt::format("dev.address: {} is not an address and port such as {}",
                                        inQuotes(dev.address), kDefaultHttpAddress));
    if (dev.tls_cert_path.empty() != dev.tls_key_path.empty()) {
      const bool lacks_key = dev.tls_key_path.empty();
      report(lacks_key ? "dev.tls_cert_path" : "dev.tls_key_path",
             fmt::format("dev.{} is missing: a certificate and its key need each other",
                         lacks_key ? "tls_key_path" : "tls_cert_path"));
    }
    if (!dev.http_connection_wait.empty() && !host::parseDurationMs(dev.http_connection_wait))
      report("dev.http_connection_wait",
             fmt::format("dev.http_connection_wait: {} is not a duration such as \"5s\"",
                         inQuotes(dev.http_connection_wait)));
  }

  // The value stays out of the message: it may hold a password.
  void checkUrl(std::string_view key, std::string_view url,
                std::initializer_list<std::string_view> schemes) {
    if (url.empty()) return;
    for (const std::string_view scheme : schemes)
      if (url.starts_with(scheme) && url.substr(scheme.size()).starts_with("://") &&
          url.size() > scheme.size() + 3)
        return;
    report(key, fmt::format("{}: expected a URL that begins with {}://", key,
                            fmt::join(schemes, ":// or ")));
  }

  void checkUrls() {
    const DevSettings& dev = config_.dev;
    checkUrl("dev.data_nats_url", dev.data_nats_url, {"nats", "tls"});
    checkUrl("dev.wasi_keyvalue_nats_url", dev.wasi_keyvalue_nats_url, {"nats", "tls"});
    if (const std::string& url = dev.wasi_keyvalue_redis_url; !url.empty())
      if (const auto good = host::checkRedisUrl(url); !good)
        report("dev.wasi_keyvalue_redis_url",
               fmt::format("dev.wasi_keyvalue_redis_url: {}", good.error().message()));
    checkUrl("dev.postgres_url", dev.postgres_url, {"postgres", "postgresql"});
  }

  void checkHostList(const std::string& key, const TextList& entries) {
    for (const std::string& entry : entries)
      if (const auto rule = host::HostRule::parse(entry); !rule)
        report(key, fmt::format("{}: {}", key, rule.error().message()));
  }

  void checkHosts() {
    if (config_.workload.allowed_hosts)
      checkHostList("workload.allowedHosts", *config_.workload.allowed_hosts);
    for (const std::string& port : config_.workload.allowed_host_loopback_ports)
      if (const auto parsed = host::LoopbackPort::parse(port); !parsed)
        report("workload.allowedHostLoopbackPorts",
               fmt::format("workload.allowedHostLoopbackPorts: {}", parsed.error().message()));
  }

  void checkService() {
    const DevSettings& dev = config_.dev;
    if (!dev.service_file.empty() && !dev.service_image.empty())
      report("dev.service_image", "dev.service_file and dev.service_image exclude each other");
    if (!dev.service_pull_policy.empty() && dev.service_image.empty())
      report("dev.service_pull_policy",
             "dev.service_pull_policy is only of use with dev.service_image");
    checkPorts();
  }

  void checkPorts() {
    const DevSettings& dev = config_.dev;
    if (!dev.service_ports.empty() && !dev.service && dev.service_file.empty() &&
        dev.service_image.empty())
      report("dev.service_ports",
             "dev.service_ports: there is no service: set dev.service if the project's component "
             "is one, or name it in dev.service_file or dev.service_image");
    std::set<std::string_view> names;
    std::set<std::pair<std::string_view, std::uint16_t>> published;
    for (std::size_t i = 0; i < dev.service_ports.size(); ++i) {
      const PortSettings& port = dev.service_ports[i];
      const std::string key = fmt::format("dev.service_ports[{}]", i);
      if (trim(port.name).empty()) report(key, fmt::format("{}.name is empty", key));
      if (!names.insert(port.name).second)
        report(key, fmt::format("{}.name: {} is there twice", key, inQuotes(port.name)));
      if (port.publish && !published.emplace(port.protocol, *port.publish).second)
        report(key, fmt::format("{}.publish: {} is there twice", key, *port.publish));
      if (!port.bind.empty())
        report(key, fmt::format("{}.bind: a service listens in its workload's network only; "
                                "publish names the port of this machine that leads there",
                                key));
    }
  }

  void checkSource(const std::string& key, std::initializer_list<std::string_view> names,
                   std::initializer_list<const std::string*> values, bool policy, bool image) {
    std::size_t given = 0;
    for (const std::string* value : values) given += value->empty() ? 0 : 1;
    if (given != 1)
      report(key, fmt::format("{}: exactly one of {} is needed, found {}", key,
                              fmt::join(names, ", "), given));
    if (policy && !image) report(key, fmt::format("{}.pullPolicy is only of use with image", key));
  }

  void checkComponents() {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < config_.dev.components.size(); ++i) {
      const ComponentSettings& component = config_.dev.components[i];
      const std::string key = fmt::format("dev.components[{}]", i);
      if (!host::isDnsLabel(component.name))
        report(key, fmt::format("{}.name: {} is not a name of letters a-z, digits and \"-\"", key,
                                inQuotes(component.name)));
      if (!names.insert(component.name).second)
        report(key, fmt::format("{}.name: {} is there twice", key, inQuotes(component.name)));
      checkSource(key, {"file", "image", "project"},
                  {&component.file, &component.image, &component.project},
                  !component.pull_policy.empty(), !component.image.empty());
      if (component.allowed_hosts) checkHostList(key + ".allowedHosts", *component.allowed_hosts);
      checkLayer(key + ".environment", component.environment);
    }
  }

  void checkRoutes() {
    for (std::size_t i = 0; i < config_.dev.routes.size(); ++i) {
      const RouteSettings& route = config_.dev.routes[i];
      const std::string key = fmt::format("dev.routes[{}]", i);
      const auto check = [&](std::string_view part, const auto& checked) {
        if (!checked)
          report(fmt::format("{}.{}", key, part),
                 fmt::format("{}: {}", key, checked.error().message()));
      };
      if (!route.host.empty()) check("host", host::normalRouteHost(route.host));
      if (!route.path.empty()) check("path", host::normalRoutePath(route.path));
      for (const std::string& method : route.methods)
        check("methods", host::checkRouteMethod(method));
      if (!isComponent(route.component))
        report(key + ".component",
               fmt::format("{}: there is no component {}", key, inQuotes(route.component)));
    }
  }

  // The project's own is called like its folder.
  [[nodiscard]] bool isComponent(const std::string& name) const {
    const DevSettings& dev = config_.dev;
    const bool has_service = !dev.service_file.empty() || !dev.service_image.empty();
    const bool of_project = loaded_.originOf("dev.routes").kind == Origin::Kind::kProject;
    if (name.empty() || !of_project || loaded_.project_folder.empty()) return true;
    return name == componentNameOf(loaded_.project_folder) ||
           (has_service && name == host::kServiceName) ||
           std::ranges::find(dev.components, name, &ComponentSettings::name) !=
               dev.components.end() ||
           std::ranges::find(dev.host_plugins, name, &HostPluginSettings::id) !=
               dev.host_plugins.end();
  }

  void checkVolumes() {
    for (std::size_t i = 0; i < config_.dev.volumes.size(); ++i) {
      const std::string& path = config_.dev.volumes[i].guest_path;
      const std::string key = fmt::format("dev.volumes[{}].guest_path", i);
      if (!path.starts_with('/'))
        report(key, fmt::format("{}: {} is not an absolute path", key, inQuotes(path)));
    }
  }

  void checkHostPlugins(std::string_view list, const std::vector<HostPluginSettings>& plugins) {
    std::set<std::string_view> ids;
    for (std::size_t i = 0; i < plugins.size(); ++i) {
      const HostPluginSettings& plugin = plugins[i];
      const std::string key = fmt::format("{}[{}]", list, i);
      if (plugin.id.empty()) report(key, fmt::format("{}.id is empty", key));
      if (!ids.insert(plugin.id).second)
        report(key, fmt::format("{}.id: {} is there twice", key, inQuotes(plugin.id)));
      checkSource(key, {"file", "image"}, {&plugin.file, &plugin.image},
                  !plugin.pull_policy.empty(), !plugin.image.empty());
      if (!plugin.expected_digest.empty() && !host::isSha256Digest(plugin.expected_digest))
        report(key,
               fmt::format("{}.expectedDigest is not \"sha256:\" and 64 hexadecimal digits", key));
      checkHostList(key + ".allowedHosts", plugin.allowed_hosts);
      checkLayer(key, plugin.config_from, plugin.secret_from);
    }
  }

  void checkLayer(const std::string& key, const ValueLayer& layer) {
    for (const auto& [name, value] : layer.config)
      if (name.empty() || name.contains('=') || name.contains('\0'))
        report(fmt::format("{}.config.{}", key, name),
               fmt::format("{}.config: {} is no name of a variable", key, inQuotes(name)));
    checkLayer(key, layer.config_from, layer.secret_from);
  }

  void checkLayer(const std::string& key, const TextList& configs, const TextList& secrets) {
    for (const std::string& name : configs)
      if (!config_.configs.contains(name))
        report(key + ".configFrom",
               fmt::format("{}.configFrom: there is no {} in configs", key, inQuotes(name)));
    for (const std::string& name : secrets)
      if (!config_.secrets.contains(name))
        report(key + ".secretFrom",
               fmt::format("{}.secretFrom: there is no {} in secrets", key, inQuotes(name)));
  }

  const LoadedConfig& loaded_;
  const ProjectConfig& config_;
  std::vector<ConfigProblem>& errors_;
};

}  // namespace

void checkMeaning(const LoadedConfig& loaded, std::vector<ConfigProblem>& errors) {
  Meaning(loaded, errors).check();
}

}  // namespace nimbus::project
