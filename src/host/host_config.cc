#include "host/host_config.h"

#include <charconv>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "engine/web_roots.h"
#include "host/host_config_reader.h"
#include "http/headers.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxListeners = 64;
constexpr std::size_t kMaxCertificates = 256;
constexpr std::size_t kMaxLogins = 256;
constexpr std::size_t kMaxConfigBytes = 1024 * 1024;

LogFormat readFormat(YamlMap& map) {
  return map.word("format", {"text", "json"}) == "json" ? LogFormat::kJson : LogFormat::kText;
}

net::TlsCertificate readCertificate(ConfigContext& context, YamlMap& map) {
  net::TlsCertificate certificate;
  map.require("certificate");
  readPath(context, map, "certificate", certificate.certificate_path);
  map.require("key");
  readPath(context, map, "key", certificate.key_path);
  return certificate;
}

net::TlsServerOptions readTls(ConfigContext& context, YamlMap map) {
  net::TlsServerOptions tls;
  tls.alpn = {"h2", "http/1.1", "http/1.0"};
  map.require("certificates");
  map.eachMap("certificates", kMaxCertificates, [&](YamlMap item) {
    tls.certificates.push_back(readCertificate(context, item));
    item.finish();
  });
  if (map.find("certificates") != nullptr && tls.certificates.empty())
    map.problem("certificates", fmt::format("{} is empty", map.pathOf("certificates")));
  readPath(context, map, "clientCa", tls.client_ca_path);
  map.finish();
  return tls;
}

// "0660", as chmod takes it.
std::optional<std::uint32_t> readMode(YamlMap& map, const net::Endpoint& address) {
  const auto text = map.text("mode");
  if (!text) return std::nullopt;
  std::uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), mode, 8);
  const bool whole = error == std::errc() && end == text->data() + text->size();
  if (!whole || text->empty() || mode > 0777 || (mode & 0600) != 0600)
    map.problem("mode", fmt::format("{}: expected octal digits from \"0600\" to \"0777\", found {}",
                                    map.pathOf("mode"), inQuotes(*text)));
  if (address.unix_path.empty())
    map.problem("mode", fmt::format("{} is for Unix sockets", map.pathOf("mode")));
  return mode;
}

void readListener(ConfigContext& context, YamlMap map) {
  ListenerConfig listener;
  map.require("address");
  if (const auto address = readEndpoint(map, "address", Sockets::kAny)) listener.address = *address;
  if (std::string& path = listener.address.unix_path; !path.empty())
    path = resolve(context, map, "address", path);
  listener.mode = readMode(map, listener.address);
  if (auto tls = map.map("tls")) listener.tls = readTls(context, *std::move(tls));
  map.finish();
  context.config.listeners.push_back(std::move(listener));
}

void readHttp(ConfigContext& context, YamlMap map) {
  map.eachMap("listeners", kMaxListeners,
              [&](YamlMap item) { readListener(context, std::move(item)); });
  if (auto limits = map.map("limits"))
    readHttpLimits(context.config.http_limits, *std::move(limits));
  map.finish();
}

void readAdmin(ConfigContext& context, YamlMap map) {
  AdminConfig& admin = context.config.admin;
  readPath(context, map, "socket", admin.socket);
  admin.address = readEndpoint(map, "address", Sockets::kTcpOnly);
  readPath(context, map, "tokenFile", admin.token_file);
  if (admin.address && admin.token_file.empty())
    map.problem("address", fmt::format("{} needs {} too: nobody may administrate over the network "
                                       "without a token",
                                       map.pathOf("address"), map.pathOf("tokenFile")));
  if (!admin.address && !admin.token_file.empty())
    map.problem("tokenFile", fmt::format("{} is for {}: the Unix socket asks for no token",
                                         map.pathOf("tokenFile"), map.pathOf("address")));
  map.finish();
}

void readAccessLog(ConfigContext& context, YamlMap map) {
  map.require("path");
  if (const auto path = map.text("path"))
    context.config.access_log.path = *path == "-" ? *path : resolve(context, map, "path", *path);
  context.config.access_log.format = readFormat(map);
  map.finish();
}

void readLog(HostConfig& config, YamlMap map) {
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
      {"trace", LogLevel::kTrace}, {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo},
      {"warn", LogLevel::kWarn},   {"error", LogLevel::kError}, {"off", LogLevel::kOff}};
  const auto level = map.word("level", {"trace", "debug", "info", "warn", "error", "off"});
  for (const auto& [name, value] : kLevels)
    if (level == name) config.log_level = value;
  config.log_format = readFormat(map);
  map.finish();
}

void readMetrics(HostConfig& config, YamlMap map) {
  bool by_component = config.metric_detail == MetricDetail::kByComponent;
  takeBoolean(map, "byComponent", by_component);
  config.metric_detail = by_component ? MetricDetail::kByComponent : MetricDetail::kTotals;
  map.finish();
}

void readEgress(ConfigContext& context, YamlMap map) {
  HostConfig& config = context.config;
  takeBoolean(map, "denySpecialRanges", config.egress.deny_special_ranges);
  takeBoolean(map, "denyPrivateRanges", config.egress.deny_private_ranges);
  takeBoolean(map, "allowHostLoopback", config.egress.allow_host_loopback);
  takeBoolean(map, "systemRoots", config.client_tls.system_roots);
  if (const auto web_roots = map.boolean("webRoots"))
    config.client_tls.der_roots = *web_roots ? engine::webRoots() : std::vector<std::string_view>();
  for (const std::string& path : map.texts("caFiles"))
    config.client_tls.extra_ca_paths.push_back(resolve(context, map, "caFiles", path));
  if (auto identity = map.map("identity")) {
    config.client_tls.identity = readCertificate(context, *identity);
    identity->finish();
  }
  takeNumber(map, "maxConnectionsPerWorkload", {1, 100'000}, config.client.max_connections_per_key);
  if (const auto sockets = map.number("maxSocketsPerWorkload", {0, 10'000'000}))
    config.max_outgoing_sockets = *sockets;
  takeNumber(map, "maxIdlePerAuthority", {0, 100'000}, config.client.max_idle_per_authority);
  takeDuration(map, "idleTimeout", config.client.idle_timeout);
  takeDuration(map, "connectionWait", config.client.permit_wait);
  takeDuration(map, "resolveTimeout", config.egress.resolve_timeout);
  map.finish();
}

oci::FileLogin readLogin(ConfigContext& context, YamlMap map) {
  oci::FileLogin login;
  map.require("registry");
  map.require("user");
  map.require("passwordFile");
  login.registry = map.text("registry").value_or("");
  login.user = map.text("user").value_or("");
  if (login.user.contains(':'))
    map.problem("user", fmt::format("{} contains a colon", map.pathOf("user")));
  readPath(context, map, "passwordFile", login.password_file);
  map.finish();
  return login;
}

void readRegistries(ConfigContext& context, YamlMap map) {
  ImageOptions& images = context.config.images;
  readPath(context, map, "cache", images.service.cache_folder);
  takeBytes(map, "cacheMb", 1 << 20, {1, 1 << 24}, images.service.cache_max_bytes);
  takeDuration(map, "pullTimeout", images.pull_timeout);
  takeDuration(map, "retryPause", context.config.manager.first_retry);
  takeBoolean(map, "systemRoots", images.service.system_roots);
  for (const std::string& path : map.texts("caFiles"))
    images.service.ca_paths.push_back(resolve(context, map, "caFiles", path));
  images.insecure_registries = map.texts("insecure");
  readPath(context, map, "dockerConfig", images.service.docker_config_path);
  map.eachMap("logins", kMaxLogins, [&](YamlMap item) {
    images.service.logins.push_back(readLogin(context, std::move(item)));
  });
  map.finish();
}

void readTop(ConfigContext& context, YamlMap& root) {
  HostConfig& config = context.config;
  if (auto map = root.map("http")) readHttp(context, *std::move(map));
  if (auto map = root.map("probe")) {
    map->require("address");
    config.probe = readEndpoint(*map, "address", Sockets::kTcpOnly);
    map->finish();
  }
  if (auto map = root.map("admin")) readAdmin(context, *std::move(map));
  readPath(context, root, "workloads", config.workloads_folder);
  readPath(context, root, "state", config.state_folder);
  readPath(context, root, "volumes", config.volumes_folder);
  takeNumber(root, "shards", {0, kMaxShards}, config.shards);
  if (auto map = root.map("accessLog")) readAccessLog(context, *std::move(map));
  if (auto map = root.map("log")) readLog(config, *std::move(map));
  if (auto map = root.map("metrics")) readMetrics(config, *std::move(map));
  if (auto map = root.map("limits")) readHostLimits(config, *std::move(map));
  if (auto map = root.map("defaults")) readDefaults(config, *std::move(map));
  if (auto map = root.map("engine")) readEngine(context, *std::move(map));
  if (auto map = root.map("registries")) readRegistries(context, *std::move(map));
  if (auto map = root.map("egress")) readEgress(context, *std::move(map));
  if (auto map = root.map("keyvalue")) readKeyValue(context, *std::move(map));
  if (auto map = root.map("nats")) readNats(context, *std::move(map));
  if (auto map = root.map("drain")) {
    takeDuration(*map, "delay", config.drain_delay, 0);
    takeDuration(*map, "timeout", config.drain_timeout);
    map->finish();
  }
}

}  // namespace

std::string resolve(ConfigContext& context, YamlMap& map, std::string_view key,
                    const std::string& text) {
  if (text.empty()) {
    map.problem(key, fmt::format("{} is empty", map.pathOf(key)));
    return {};
  }
  return (std::filesystem::path(context.base_folder) / text).lexically_normal().string();
}

void readPath(ConfigContext& context, YamlMap& map, std::string_view key, std::string& into) {
  if (const auto text = map.text(key)) into = resolve(context, map, key, *text);
}

std::optional<net::Endpoint> readEndpoint(YamlMap& map, std::string_view key, Sockets sockets) {
  const auto text = map.text(key);
  if (!text) return std::nullopt;
  auto endpoint = net::Endpoint::parse(*text);
  if (!endpoint) {
    map.problem(key, fmt::format("{}: {}", map.pathOf(key), endpoint.error().message()));
    return std::nullopt;
  }
  if (sockets == Sockets::kTcpOnly && !endpoint->unix_path.empty()) {
    map.problem(key, fmt::format("{}: expected an address and a port, found {}", map.pathOf(key),
                                 inQuotes(*text)));
    return std::nullopt;
  }
  return *std::move(endpoint);
}

Result<HostConfig> parseHostConfig(std::string_view text, std::string_view file_name,
                                   std::string_view base_folder, HostConfig defaults) {
  TRY(const YamlNode document, parseYaml(text, file_name));
  HostConfig config = std::move(defaults);
  YamlProblems problems{std::string(file_name)};
  ConfigContext context{std::string(base_folder), config};
  YamlMap root(problems, document, "");
  readTop(context, root);
  root.finish();
  TRY_VOID(problems.result());
  return config;
}

Result<HostConfig> loadHostConfig(const std::string& path, HostConfig defaults) {
  TRY(const std::string text, readFile(path, kMaxConfigBytes));
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored);
  return parseHostConfig(text, path, absolute.parent_path().string(), std::move(defaults));
}

}  // namespace nimbus::host
