#include "host/manifest/manifest.h"

#include <limits.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/manifest/manifest_reader.h"
#include "host/manifest/policy_check.h"
#include "host/manifest/provider_ref.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

// Values, too: what a text may leave out, such as a namespace or a route's component, is written.
constexpr YamlLimits kStoredLimits{.max_bytes = kMaxStoredManifestBytes,
                                   .max_nodes = 2 * YamlLimits{}.max_nodes};

constexpr std::string_view kApiVersions[] = {"runtime.wasmcloud.dev/v1alpha1", "nimbus/v1"};

bool isWitName(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool isVersion(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text[0] >= '0' && text[0] <= '9' &&
         std::ranges::all_of(text,
                             [](char c) { return isWitName({&c, 1}) || c == '.' || c == '+'; });
}

void readWitName(YamlMap& map, std::string_view key, std::string& into) {
  if (map.require(key) == nullptr) return;
  const auto text = map.text(key);
  if (!text) return;
  if (!isWitName(*text))
    map.problem(key, fmt::format("{}: {} is not a WIT name", map.pathOf(key), inQuotes(*text)));
  into = *text;
}

std::string readProvider(ManifestContext& context, YamlMap& map) {
  std::string text = map.text("provider").value_or("");
  if (text.empty()) return text;
  auto provider = parseProviderRef(text);
  const auto* address = provider ? std::get_if<wrpc::ProviderAddress>(&*provider) : nullptr;
  if (address != nullptr && address->transport == wrpc::ProviderAddress::Transport::kUnix) {
    const std::string path = resolvePath(context, map, "provider", address->unix_path);
    if (path.empty()) return {};
    text = "unix:" + path;
    provider = parseProviderRef(text);  // it may be too long now
  }
  if (!provider)
    map.problem("provider",
                fmt::format("{}: {}", map.pathOf("provider"), provider.error().message()));
  return text;
}

void readHostInterface(ManifestContext& context, YamlMap map) {
  HostInterface host_interface;
  host_interface.name = map.text("name").value_or("");
  if (!host_interface.name.empty() && !isDnsLabel(host_interface.name))
    map.problem("name", fmt::format("{}: {} is not a DNS label", map.pathOf("name"),
                                    inQuotes(host_interface.name)));
  // Without both, what worlds define themselves is meant; only a provider elsewhere can have that.
  if (map.has("namespace") || map.has("package") || !map.has("provider")) {
    readWitName(map, "namespace", host_interface.namespace_name);
    readWitName(map, "package", host_interface.package);
  }
  map.eachText("interfaces", [&](const YamlNode& node, const std::string& text) {
    if (!isWitName(text))
      context.problems.report(node.line, fmt::format("{}: {} is not a WIT name",
                                                     map.pathOf("interfaces"), inQuotes(text)));
    host_interface.interfaces.push_back(text);
  });
  host_interface.version = map.text("version").value_or("");
  if (!host_interface.version.empty() && !isVersion(host_interface.version))
    map.problem("version", fmt::format("{}: {} is not a version", map.pathOf("version"),
                                       inQuotes(host_interface.version)));
  host_interface.provider = readProvider(context, map);
  host_interface.config = map.textMap("config");
  noteUnsupported(context, map, "configFrom");
  noteUnsupported(context, map, "secretFrom");
  map.finish();
  context.spec.host_interfaces.push_back(std::move(host_interface));
}

void readVolume(ManifestContext& context, YamlMap map) {
  VolumeSpec volume;
  volume.name = readName(map, "name");
  const bool ephemeral = map.has("ephemeral");
  if (auto options = map.map("ephemeral")) {
    volume.size_limit_bytes =
        options->byteQuantity("sizeLimit", {kLeastVolumeBytes, kMostVolumeBytes});
    options->finish();
  }
  const bool host_path = map.has("hostPath");
  if (auto host = map.map("hostPath")) {
    if (host->require("path") != nullptr)
      if (const auto path = host->text("path"))
        volume.host_path = resolvePath(context, *host, "path", *path);
    host->finish();
  }
  if (ephemeral == host_path)
    map.problem(ephemeral ? "hostPath" : "name",
                fmt::format("{}: expected one of ephemeral and hostPath", map.path()));
  map.finish();
  const bool duplicate = std::ranges::any_of(
      context.spec.volumes, [&](const VolumeSpec& other) { return other.name == volume.name; });
  if (duplicate && !volume.name.empty())
    map.problem("name", fmt::format("duplicate volume {}", inQuotes(volume.name)));
  context.spec.volumes.push_back(std::move(volume));
}

void readPlacement(ManifestContext& context, YamlMap& body) {
  for (const std::string_view key : {"hostSelector", "hostId", "environment", "kubernetes"})
    noteUnsupported(context, body, key);
}

void readUnsupportedKeys(ManifestContext& context, YamlMap& body) {
  for (std::string& key : body.texts(kUnsupportedKeysKey)) {
    if (key.empty() || !std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; }))
      body.problem(
          kUnsupportedKeysKey,
          fmt::format("{}: {} is not a key", body.pathOf(kUnsupportedKeysKey), inQuotes(key)));
    context.spec.unsupported_keys.push_back(std::move(key));
  }
}

void readBody(ManifestContext& context, YamlMap& body) {
  body.eachMap("volumes", kMaxVolumes, [&](YamlMap map) { readVolume(context, std::move(map)); });
  readComponents(context, body);
  readService(context, body);
  body.eachMap("hostInterfaces", kMaxHostInterfaces,
               [&](YamlMap map) { readHostInterface(context, std::move(map)); });
  readRoutes(context, body);
  readPlacement(context, body);
  readUnsupportedKeys(context, body);
  if (!context.spec.components.empty() || context.spec.service) return;
  if (body.require("components") != nullptr)
    body.problem("components", fmt::format("{}: a workload needs at least one component",
                                           body.pathOf("components")));
}

void readMetadata(WorkloadSpec& spec, YamlMap& map) {
  spec.name = readName(map, "name");
  if (map.find("namespace") != nullptr) spec.namespace_name = readName(map, "namespace");
  spec.annotations = map.textMap("annotations");
  spec.labels = map.textMap("labels");
}

void readWrapped(ManifestContext& context, YamlMap& root) {
  root.require("apiVersion");
  static_cast<void>(root.word("apiVersion", {std::begin(kApiVersions), std::end(kApiVersions)}));
  root.require("kind");
  static_cast<void>(root.word("kind", {"Workload"}));
  root.require("metadata");
  if (auto metadata = root.map("metadata")) {
    readMetadata(context.spec, *metadata);
    metadata->finish();
  }
  root.require("spec");
  if (auto body = root.map("spec")) {
    readBody(context, *body);
    body->finish();
  }
}

Result<WorkloadSpec> readManifest(std::string_view text, std::string_view file_name,
                                  std::string_view base_folder, const YamlLimits& limits) {
  TRY(const YamlNode document, parseYaml(text, file_name, limits));
  WorkloadSpec spec;
  YamlProblems problems{std::string(file_name)};
  ManifestContext context{problems, std::string(base_folder), spec};
  YamlMap root(problems, document, "");
  if (root.has("spec") || root.has("kind") || root.has("apiVersion")) {
    readWrapped(context, root);
  } else {
    readMetadata(spec, root);
    readBody(context, root);
  }
  root.finish();
  TRY_VOID(problems.result());
  return spec;
}

}  // namespace

std::string WorkloadSpec::describe(const ComponentSpec& member) const {
  const bool is_service = service && service->component.name == member.name;
  return fmt::format("{} {}", is_service ? "service" : "component", inQuotes(member.name));
}

std::string packageOf(const HostInterface& entry) {
  if (entry.namespace_name.empty() && entry.package.empty()) return {};
  return entry.namespace_name + ":" + entry.package;
}

std::string nameOf(const HostInterface& entry) {
  std::string name = packageOf(entry);
  if (name.empty() && entry.interfaces.size() != 1) return "that a world defines itself";
  if (entry.interfaces.size() == 1) name += (name.empty() ? "" : "/") + entry.interfaces[0];
  if (!entry.version.empty()) name += "@" + entry.version;
  return name;
}

std::string readName(YamlMap& map, std::string_view key) {
  if (map.require(key) == nullptr) return {};
  auto text = map.text(key);
  if (!text) return {};
  if (isDnsLabel(*text)) return *std::move(text);
  map.problem(key, fmt::format("{}: {} is not a DNS label (1 to 63 of a-z, 0-9 and \"-\", neither "
                               "first nor last a \"-\")",
                               map.pathOf(key), inQuotes(*text)));
  return {};
}

std::string resolvePath(ManifestContext& context, YamlMap& map, std::string_view key,
                        const std::string& text) {
  const std::filesystem::path path(text);
  if (text.empty()) {
    map.problem(key, fmt::format("{} is empty", map.pathOf(key)));
  } else if (text.contains('\0')) {
    map.problem(key,
                fmt::format("{}: {} is no path: it holds a NUL", map.pathOf(key), inQuotes(text)));
  } else if (text.size() >= PATH_MAX) {
    map.problem(key,
                fmt::format("{}: a path of more than {} bytes", map.pathOf(key), PATH_MAX - 1));
  } else if (path.is_relative() && context.base_folder.empty()) {
    map.problem(
        key, fmt::format("{}: {} must be an absolute path here", map.pathOf(key), inQuotes(text)));
  } else {
    return (context.base_folder / path).lexically_normal().string();
  }
  return {};
}

void noteUnsupported(ManifestContext& context, YamlMap& map, std::string_view key) {
  if (map.find(key) != nullptr) context.spec.unsupported_keys.push_back(map.pathOf(key));
}

Result<WorkloadSpec> parseManifest(std::string_view text, std::string_view file_name,
                                   std::string_view base_folder) {
  return readManifest(text, file_name, base_folder, {});
}

Result<WorkloadSpec> parseStoredManifest(std::string_view json, std::string_view name) {
  return readManifest(json, name, "", kStoredLimits);
}

}  // namespace nimbus::host
