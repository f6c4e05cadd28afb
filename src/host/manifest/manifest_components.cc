#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/egress/egress_rules.h"
#include "host/manifest/manifest_reader.h"
#include "host/manifest/policy_check.h"
#include "host/manifest/text_rules.h"
#include "oci/reference.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxVolumeMounts = 64;

// `environment` is a map of variables, or {config, configFrom, secretFrom} as in wasmCloud: the
// latter if one of these keys holds something else than text.
bool hasSources(const YamlNode& environment) {
  return std::ranges::any_of(environment.entries, [](const YamlEntry& entry) {
    return (entry.key == "config" || entry.key == "configFrom" || entry.key == "secretFrom") &&
           entry.value.kind != YamlNode::Kind::kScalar;
  });
}

void checkVariables(YamlMap& map, const StringMap& variables) {
  for (const auto& [name, value] : variables) {
    if (name.empty() || name.contains('='))
      map.problem("environment", fmt::format("{}: {} is not the name of an environment variable",
                                             map.pathOf("environment"), inQuotes(name)));
    // A guest's C library would take the value to end there.
    if (value.contains('\0'))
      map.problem("environment", fmt::format("{}: the value of {} holds a NUL",
                                             map.pathOf("environment"), inQuotes(name)));
  }
}

StringMap readEnvironment(ManifestContext& context, YamlMap& map) {
  const YamlNode* node = map.find("environment");
  StringMap variables;
  if (node != nullptr && node->kind == YamlNode::Kind::kMap && hasSources(*node)) {
    YamlMap sources(context.problems, *node, map.pathOf("environment"));
    variables = sources.textMap("config");
    noteUnsupported(context, sources, "configFrom");
    noteUnsupported(context, sources, "secretFrom");
    sources.finish();
  } else {
    variables = map.textMap("environment");
  }
  checkVariables(map, variables);
  return variables;
}

void checkRuleCount(YamlMap& map, std::string_view key, std::size_t count) {
  if (count > kMaxEgressRules)
    map.problem(key, fmt::format("{} has more than {} entries", map.pathOf(key), kMaxEgressRules));
}

// A list of texts that `Rule` understands.
template <typename Rule>
std::vector<std::string> readRules(ManifestContext& context, YamlMap& map, std::string_view key) {
  std::vector<std::string> rules;
  map.eachText(key, [&](const YamlNode& node, const std::string& text) {
    if (const auto rule = Rule::parse(text); !rule)
      context.problems.report(node.line, fmt::format("{}: {}: {}", map.pathOf(key), inQuotes(text),
                                                     rule.error().message()));
    rules.push_back(text);
  });
  checkRuleCount(map, key, rules.size());
  return rules;
}

// "5432" or "53/udp"; the number alone needs no quotes.
std::vector<std::string> readPorts(ManifestContext& context, YamlMap& map, std::string_view key) {
  std::vector<std::string> ports;
  const YamlNode* list = map.find(key);
  if (list == nullptr || list->kind != YamlNode::Kind::kSequence) return map.texts(key);
  for (const YamlNode& item : list->items) {
    if (!LoopbackPort::parse(item.text))
      context.problems.report(
          item.line, fmt::format("{}: expected a port such as 5432 or \"53/udp\", found {}",
                                 map.pathOf(key), describeYaml(item)));
    ports.push_back(item.text);
  }
  checkRuleCount(map, key, ports.size());
  return ports;
}

Result<std::string> normalMountPath(std::string_view text) {
  if (!text.starts_with('/'))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} does not begin with /", inQuotes(text)));
  if (std::ranges::any_of(text, isControl))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds a control character", inQuotes(text)));
  std::string normal;
  for (std::size_t at = 1; at <= text.size();) {
    const std::size_t slash = std::min(text.find('/', at), text.size());
    const std::string_view segment = text.substr(at, slash - at);
    if (segment == "." || segment == "..")
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has a \".\" or \"..\" segment", inQuotes(text)));
    if (!segment.empty()) normal.append("/").append(segment);
    at = slash + 1;
  }
  return normal.empty() ? "/" : normal;
}

void readVolumeMount(ManifestContext& context, YamlMap map, std::vector<VolumeMount>& mounts) {
  VolumeMount mount;
  mount.name = readName(map, "name");
  const bool known = std::ranges::any_of(
      context.spec.volumes, [&](const VolumeSpec& volume) { return volume.name == mount.name; });
  if (!known && !mount.name.empty())
    map.problem("name",
                fmt::format("{}: the workload has no volume {}", map.path(), inQuotes(mount.name)));
  map.require("mountPath");
  if (const auto path = map.text("mountPath")) {
    auto normal = normalMountPath(*path);
    if (!normal)
      map.problem("mountPath",
                  fmt::format("{}: {}", map.pathOf("mountPath"), normal.error().message()));
    else
      mount.mount_path = *std::move(normal);
  }
  mount.read_only = map.boolean("readOnly").value_or(false);
  map.finish();
  const bool taken = std::ranges::any_of(
      mounts, [&](const VolumeMount& other) { return other.mount_path == mount.mount_path; });
  if (taken && !mount.mount_path.empty())
    map.problem("mountPath",
                fmt::format("{}: {} is mounted twice", map.path(), inQuotes(mount.mount_path)));
  mounts.push_back(std::move(mount));
}

LocalResources readLocalResources(ManifestContext& context, YamlMap& owner) {
  LocalResources resources;
  auto map = owner.map("localResources");
  if (!map) return resources;
  resources.memory_limit_mb = map->number("memoryLimitMb", {1, kMostMemoryMb});
  resources.cpu_limit_ms = map->number("cpuLimit", {1, kMostTimeMs});
  if (const auto count = map->number("maxSockets", {0, 1'000'000}))
    resources.max_sockets = static_cast<std::uint32_t>(*count);
  if (const auto count = map->number("maxFiles", {0, 1'000'000}))
    resources.max_files = static_cast<std::uint32_t>(*count);
  resources.environment = readEnvironment(context, *map);
  resources.config = map->textMap("config");
  resources.allowed_hosts = readRules<HostRule>(context, *map, "allowedHosts");
  resources.allowed_ip_name_lookups = readRules<HostPattern>(context, *map, "allowedIpNameLookups");
  resources.allowed_host_loopback_ports = readPorts(context, *map, "allowedHostLoopbackPorts");
  map->eachMap("volumeMounts", kMaxVolumeMounts, [&](YamlMap mount) {
    readVolumeMount(context, std::move(mount), resources.volume_mounts);
  });
  map->finish();
  return resources;
}

// `file` or `image`, exactly one.
void readSource(ManifestContext& context, YamlMap& map, std::string& file, std::string& image) {
  const bool has_file = map.has("file");
  const bool has_image = map.has("image");
  if (const auto text = map.text("file")) file = resolvePath(context, map, "file", *text);
  if (const auto text = map.text("image")) {
    image = *text;
    if (const auto reference = oci::Reference::parse(image); !reference)
      map.problem("image", fmt::format("{}: {}", map.pathOf("image"), reference.error().message()));
  }
  const std::string one_of = fmt::format("{}: expected one of file and image", map.path());
  if (has_file && has_image) map.problem("image", one_of);
  if (!has_file && !has_image) map.lacks({"file", "image"}, one_of);
  noteUnsupported(context, map, "imagePullSecret");
}

std::optional<oci::PullPolicy> readPullPolicy(YamlMap& map, const ComponentSpec& component) {
  const auto word = map.word("imagePullPolicy", {"Always", "IfNotPresent", "Never"});
  if (!word) return std::nullopt;
  if (component.image.empty())
    map.problem("imagePullPolicy", fmt::format("{} is for images", map.pathOf("imagePullPolicy")));
  return oci::parsePullPolicy(*word).value_or(oci::PullPolicy::kIfNotPresent);
}

void readCallLimits(YamlMap& map, ComponentSpec& component) {
  component.timeout_ms = map.durationMs("timeout", {1, kMostTimeMs});
  if (const auto count = map.number("maxQueue", {0, 1'000'000}))
    component.max_queue = static_cast<std::uint32_t>(*count);
  component.queue_timeout_ms = map.durationMs("queueTimeout", {1, kMostTimeMs});
}

void readInstancePolicy(YamlMap& map, ComponentSpec& component) {
  component.pool_size =
      static_cast<std::uint32_t>(map.number("poolSize", {0, kMostWarmInstances}).value_or(0));
  component.max_invocations = map.number("maxInvocations", {0, kMostInvocations}).value_or(0);
  component.max_concurrency =
      static_cast<std::uint32_t>(map.number("maxConcurrency", {1, kMostConcurrency}).value_or(1));
  readCallLimits(map, component);
  component.idle_timeout_ms = map.durationMs("idleTimeout", {1, kMostTimeMs});
  if (const auto count = map.number("maxInstances", {1, 1'000'000}))
    component.max_instances = static_cast<std::uint32_t>(*count);
  if (const auto found = policyProblem(component))
    map.problem(found->name, map.pathOf(found->name) + found->message);
}

// Which code it is.
void readCode(ManifestContext& context, YamlMap& map, ComponentSpec& component) {
  readSource(context, map, component.file, component.image);
  component.pull_policy = readPullPolicy(map, component);
  component.digest = map.text("digest").value_or("");
  if (!component.digest.empty() && !isSha256Digest(component.digest))
    map.problem("digest", fmt::format("{}: expected \"sha256:\" and 64 lower-case hexadecimal "
                                      "digits, found {}",
                                      map.pathOf("digest"), inQuotes(component.digest)));
}

void readComponent(ManifestContext& context, YamlMap map) {
  ComponentSpec component;
  component.name = readName(map, "name");
  readCode(context, map, component);
  readInstancePolicy(map, component);
  component.local_resources = readLocalResources(context, map);
  map.finish();
  const bool duplicate =
      std::ranges::any_of(context.spec.components,
                          [&](const ComponentSpec& other) { return other.name == component.name; });
  if (duplicate && !component.name.empty())
    map.problem("name", fmt::format("duplicate component {}", inQuotes(component.name)));
  context.spec.components.push_back(std::move(component));
}

// Of one that serves HTTP.
void readServiceCalls(YamlMap& map, ServiceSpec& service) {
  if (const auto count = map.number("maxConcurrency", {1, kMostConcurrency}))
    service.max_concurrency = static_cast<std::uint32_t>(*count);
  readCallLimits(map, service.component);
}

}  // namespace

void readComponents(ManifestContext& context, YamlMap& body) {
  body.eachMap("components", kMaxComponents,
               [&](YamlMap map) { readComponent(context, std::move(map)); });
}

void readService(ManifestContext& context, YamlMap& body) {
  auto map = body.map("service");
  if (!map) return;
  ServiceSpec service;
  ComponentSpec& component = service.component;
  component.name = map->has("name") ? readName(*map, "name") : std::string(kServiceName);
  readCode(context, *map, component);
  service.max_restarts = map->number("maxRestarts", {});
  readServiceCalls(*map, service);
  component.local_resources = readLocalResources(context, *map);
  map->finish();
  if (std::ranges::find(context.spec.components, component.name, &ComponentSpec::name) !=
      context.spec.components.end())
    map->problem("name", fmt::format("a component has the name of the service, {}{}",
                                     inQuotes(component.name),
                                     map->has("name") ? "" : "; give the service another (name)"));
  context.spec.service = std::move(service);
}

}  // namespace nimbus::host
