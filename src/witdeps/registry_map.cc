#include "witdeps/registry_map.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "oci/base64.h"
#include "oci/reference.h"
#include "project/directories.h"
#include "project/json_reader.h"
#include "project/toml_reader.h"
#include "witdeps/toml_fields.h"

namespace nimbus::witdeps {
namespace {

using host::YamlNode;

constexpr std::string_view kOci = "oci";

std::unexpected<Error> wrong(std::string_view file, std::uint32_t line, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file, line, what));
}

bool isHost(std::string_view text) {
  const auto reference = oci::Reference::parse(fmt::format("{}/x", text));
  return reference && reference->registry == text;
}

bool isPrefix(std::string_view text) {
  return text.empty() || oci::Reference::parse(fmt::format("x.y/{}z/z", text)).has_value();
}

// A metadata document, or the same within a configuration.
Result<RegistryMetadata> readMetadata(const YamlNode& node, std::string_view host,
                                      std::string_view file) {
  if (node.kind != YamlNode::Kind::kMap) return wrong(file, node.line, "it is no object");
  const YamlNode* oci = field(node, kOci);
  const bool is_oci = oci != nullptr || !textOf(node, "ociRegistry").empty();
  std::string_view protocol = textOf(node, "preferredProtocol");
  if (protocol.empty()) protocol = !is_oci && field(node, "warg") != nullptr ? "warg" : kOci;
  if (protocol != kOci) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the registry {} speaks \"{}\"; this program knows OCI registries",
                            host, protocol.substr(0, 64)));
  }
  // The names of older documents go first, as they do for wkg.
  std::string_view registry = textOf(node, "ociRegistry");
  std::string_view prefix = textOf(node, "ociNamespacePrefix");
  if (oci != nullptr && registry.empty()) registry = textOf(*oci, "registry");
  if (oci != nullptr && prefix.empty()) prefix = textOf(*oci, "namespacePrefix");
  if (registry.empty()) registry = host;
  if (!isHost(registry) || !isPrefix(prefix))
    return wrong(file, node.line, "it names no OCI registry, or no prefix of repositories");
  return RegistryMetadata{std::string(registry), std::string(prefix)};
}

// "example.com", or {registry = "example.com", metadata = {…}}.
Result<PackageRegistry> readMapping(const YamlNode& node, std::string_view file) {
  const bool custom = node.kind == YamlNode::Kind::kMap;
  const std::string_view name = custom ? textOf(node, "registry") : std::string_view(node.text);
  PackageRegistry registry{std::string(name), {}};
  // With metadata the name is no more than a name.
  if (const YamlNode* metadata = field(node, "metadata")) {
    TRY(registry.metadata, readMetadata(*metadata, name, file));
  } else if (!isHost(name)) {
    return wrong(file, node.line, "a registry is a host");
  }
  return registry;
}

Result<std::map<std::string, PackageRegistry>> readMappings(const YamlNode& root,
                                                            std::string_view key,
                                                            std::string_view file) {
  std::map<std::string, PackageRegistry> mappings;
  const YamlNode* table = field(root, key);
  if (table == nullptr) return mappings;
  for (const host::YamlEntry& entry : table->entries) {
    TRY(PackageRegistry registry, readMapping(entry.value, file));
    mappings.insert_or_assign(entry.key, std::move(registry));
  }
  return mappings;
}

// {username, password}, or both in Base64 with a colon between them.
Result<oci::Credential> readLogin(const YamlNode& node, std::string_view file) {
  if (node.kind == YamlNode::Kind::kMap) {
    return oci::Credential{
        std::string(textOf(node, "username")), std::string(textOf(node, "password")), {}};
  }
  const auto text = oci::base64Decoded(node.text);
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return wrong(file, node.line, "auth is no user and password");
  return oci::Credential{text->substr(0, colon), text->substr(colon + 1), {}};
}

void putAll(std::map<std::string, PackageRegistry>& into,
            std::map<std::string, PackageRegistry> from) {
  for (auto& [key, registry] : from) into.insert_or_assign(key, std::move(registry));
}

std::string_view hostOf(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

}  // namespace

Result<RegistryMetadata> RegistryMetadata::parse(std::string_view json, std::string_view host) {
  const std::string file = fmt::format("https://{}/.well-known/wasm-pkg/registry.json", host);
  TRY(const YamlNode root, project::parseJson(json, file));
  return readMetadata(root, host, file);
}

RegistryMap::RegistryMap() {
  for (const auto& [space, name] : {std::pair("wasi", "wasi.dev"),
                                    {"ba", "bytecodealliance.org"},
                                    {"wasmcloud", "wasmcloud.com"},
                                    {"wrpc", "bytecodealliance.org"}}) {
    fallbacks_.emplace(space, PackageRegistry{name, {}, false});
  }
}

Result<void> RegistryMap::addConfig(std::string_view toml, std::string_view file_name) {
  TRY(const YamlNode root, project::parseToml(toml, file_name));
  if (const YamlNode* node = field(root, "default_registry")) {
    TRY(default_, readMapping(*node, file_name));
  }
  TRY(auto packages, readMappings(root, "package_registry_overrides", file_name));
  TRY(auto namespaces, readMappings(root, "namespace_registries", file_name));
  putAll(of_packages_, std::move(packages));
  putAll(of_namespaces_, std::move(namespaces));
  const YamlNode* registries = field(root, "registry");
  if (registries == nullptr) return {};
  for (const host::YamlEntry& entry : registries->entries) {
    const YamlNode* oci = field(entry.value, kOci);
    if (oci == nullptr) continue;
    Settings& settings = settings_[entry.key];
    settings.insecure = textOf(*oci, "protocol") == "http";
    if (const YamlNode* auth = field(*oci, "auth")) {
      TRY(settings.login, readLogin(*auth, file_name));
    }
  }
  return {};
}

Result<void> RegistryMap::addLogins(const std::vector<project::WitRegistry>& registries) {
  for (const project::WitRegistry& registry : registries) {
    const std::string_view host = hostOf(registry.url);
    if (!isHost(host))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("wit.registries: \"{}\" is no registry", registry.url));
    if (registry.username.empty() != registry.token.empty())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("wit.registries: {} needs both username and token, or neither",
                              registry.url));
    Settings& settings = settings_[std::string(host)];
    if (registry.url.starts_with("http://")) settings.insecure = true;
    if (!registry.token.empty())
      settings.login = oci::Credential{registry.username, registry.token, {}};
  }
  return {};
}

std::optional<PackageRegistry> RegistryMap::find(const wit::PackageRef& package) const {
  const std::string space(package.nameSpace());
  if (const auto found = of_packages_.find(package.name); found != of_packages_.end())
    return found->second;
  if (const auto found = of_namespaces_.find(space); found != of_namespaces_.end())
    return found->second;
  if (default_) return default_;
  if (const auto found = fallbacks_.find(space); found != fallbacks_.end()) return found->second;
  return std::nullopt;
}

std::optional<oci::Credential> RegistryMap::loginFor(const std::string& registry) const {
  const auto found = settings_.find(registry);
  return found == settings_.end() ? std::nullopt : found->second.login;
}

bool RegistryMap::isInsecure(const std::string& registry) const {
  const auto found = settings_.find(registry);
  return found != settings_.end() && found->second.insecure;
}

std::string defaultWkgConfigPath() {
  const auto variable = [of_process = project::processVariables()](std::string_view name) {
    return of_process(name).value_or("");
  };
  if (std::string file = variable("WKG_CONFIG_FILE"); !file.empty()) return file;
  if (const std::string folder = variable("XDG_CONFIG_HOME"); folder.starts_with('/'))
    return folder + "/wasm-pkg/config.toml";
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.config/wasm-pkg/config.toml";
}

}  // namespace nimbus::witdeps
