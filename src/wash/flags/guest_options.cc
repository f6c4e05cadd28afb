#include "wash/flags/guest_options.h"

#include <filesystem>
#include <limits>

#include <CLI/CLI.hpp>

#include "base/code_point.h"
#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "host/egress/egress_rules.h"
#include "host/manifest/policy_check.h"
#include "host/manifest/provider_ref.h"
#include "wash/flags/flag_check.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSqlitePrefix = "sqlite:";

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// A number with one of the units; without one it counts `plain`.
template <std::size_t Count>
std::optional<std::uint64_t> parseWithUnit(std::string_view text, const Unit (&units)[Count],
                                           std::uint64_t plain) {
  std::uint64_t factor = plain;
  for (const Unit& unit : units) {
    if (text.size() > unit.suffix.size() && text.ends_with(unit.suffix) &&
        parseDecimal(text.substr(0, text.size() - unit.suffix.size()))) {
      factor = unit.factor;
      text.remove_suffix(unit.suffix.size());
      break;
    }
  }
  const auto number = parseDecimal(text);
  if (factor == 0) return number == 0 ? number : std::nullopt;
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return *number * factor;
}

struct Variable {
  std::string name;
  std::string value;
};

Result<Variable> parseVariable(std::string_view text) {
  const auto pair = splitOnce(text, '=');
  if (!pair || pair->first.empty())
    return fail(ErrorCode::kInvalidArgument, "\"" + std::string(text) + "\" is not NAME=VALUE");
  if (firstInvalidUtf8(text))
    return fail(ErrorCode::kInvalidArgument,
                "what guests see of the environment is UTF-8, and " + inQuotes(text) + " is not");
  return Variable{std::string(pair->first), std::string(pair->second)};
}

struct Folder {
  std::string host_path;
  std::string guest_path;
  bool read_only = false;
};

Result<Folder> parseFolder(std::string_view entry) {
  std::string_view text = entry;
  const bool read_only = text.ends_with(":ro");
  if (read_only) text.remove_suffix(3);
  const std::size_t colons = text.find("::");
  const std::string host_path(text.substr(0, colons));
  const std::string guest_path(colons == std::string_view::npos ? text : text.substr(colons + 2));
  std::error_code error;
  if (host_path.empty() || guest_path.empty() || !fs::is_directory(host_path, error))
    return fail(
        ErrorCode::kInvalidArgument,
        "\"" + std::string(entry) + "\" is not HOST::GUEST[:ro] with an existing folder HOST");
  // Wasm's own libraries look up relative paths below ".".
  const bool named = guest_path == "." || guest_path.starts_with('/');
  if (!named || guest_path.contains(':'))
    return fail(ErrorCode::kInvalidArgument,
                "\"" + std::string(entry) +
                    "\": the guest's path is neither absolute nor \".\", or has a \":\"");
  std::string normal = fs::path(guest_path).lexically_normal();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return Folder{host_path, std::move(normal), read_only};
}

// An entry of one of the lists that say what a guest may reach.
template <typename Entry>
Result<void> entryOf(std::string_view text) {
  const auto entry = Entry::parse(text);
  if (entry) return {};
  return fail(ErrorCode::kInvalidArgument,
              "\"" + std::string(text) + "\": " + entry.error().message());
}

Result<void> addEnvironment(const GuestFlags& flags, host::LocalResources& resources) {
  for (const std::string& entry : flags.environment) {
    TRY(Variable variable, parseVariable(entry));
    resources.environment[variable.name] = variable.value;
  }
  return {};
}

Result<void> addConfig(const GuestFlags& flags, host::LocalResources& resources) {
  for (const std::string& entry : flags.config) {
    TRY(auto pair, parseKeyValue(entry));
    resources.config[std::move(pair.first)] = std::move(pair.second);
  }
  return {};
}

bool isRedisUrl(std::string_view text) {
  return text.starts_with("redis://") || text.starts_with("rediss://");
}

// Who serves wasi:keyvalue, as a manifest names it.
Result<std::string> keyValueProviderOf(std::string_view text) {
  if (text == "memory") return std::string("keyvalue-memory");
  if (text.starts_with(kSqlitePrefix) && text.size() > kSqlitePrefix.size())
    return std::string("keyvalue-sqlite");
  if (isRedisUrl(text)) {
    TRY_VOID(host::checkRedisUrl(std::string(text)));
    return std::string("keyvalue-redis");
  }
  const auto ref = host::parseProviderRef(text);
  if (ref && std::holds_alternative<wrpc::ProviderAddress>(*ref)) return std::string(text);
  return fail(ErrorCode::kInvalidArgument,
              "\"" + std::string(text) +
                  "\": expected memory, sqlite:FILE, redis://HOST, rediss://HOST, unix:PATH, "
                  "tcp:HOST:PORT or nats:PREFIX");
}

// The guest has key-value without being asked to, for trying things out.
Result<void> addKeyValue(const GuestFlags& flags, host::WorkloadSpec& spec) {
  host::HostInterface& entry = spec.host_interfaces.emplace_back();
  entry.namespace_name = "wasi";
  entry.package = "keyvalue";
  TRY(entry.provider, keyValueProviderOf(flags.keyvalue));
  return {};
}

// What a package that the guest imports is served by.
Result<host::HostInterface> parseProvider(std::string_view text) {
  host::HostInterface entry;
  const auto pair = splitOnce(text, '=');
  const auto name = pair ? splitOnce(pair->first, ':') : std::nullopt;
  if (!name || name->first.empty() || name->second.empty())
    return fail(ErrorCode::kInvalidArgument,
                "\"" + std::string(text) +
                    "\" is not NAMESPACE:PACKAGE=ADDRESS, such as acme:shop=unix:/run/shop.sock");
  if (pair->first == "wasi:keyvalue")
    return fail(ErrorCode::kInvalidArgument, "who serves wasi:keyvalue is said by --keyvalue");
  TRY(const auto address, wrpc::ProviderAddress::parse(pair->second));
  entry.namespace_name = name->first;
  entry.package = name->second;
  entry.provider = address.toString();
  return entry;
}

Result<void> addProviders(const GuestFlags& flags, host::WorkloadSpec& spec) {
  spec.interfaces_by = host::InterfacesBy::kFlags;
  for (const std::string& text : flags.providers) {
    TRY(auto entry, parseProvider(text));
    spec.host_interfaces.push_back(std::move(entry));
  }
  return host::checkRunnable(spec);
}

Result<void> addFolders(const GuestFlags& flags, host::WorkloadSpec& spec) {
  for (const std::string& entry : flags.folders) {
    TRY(const Folder folder, parseFolder(entry));
    TRY(std::string host_path, absolutePath(folder.host_path));
    for (const std::string& path : {host_path, folder.guest_path}) {
      if (firstInvalidUtf8(path))
        return fail(ErrorCode::kInvalidArgument,
                    "--dir: names of folders are UTF-8 here, and " + inQuotes(path) + " is not");
    }
    auto& mounts = spec.components.front().local_resources.volume_mounts;
    if (std::ranges::find(mounts, folder.guest_path, &host::VolumeMount::mount_path) !=
        mounts.end())
      return fail(ErrorCode::kInvalidArgument,
                  "--dir: two folders are to be at " + folder.guest_path);
    const std::string name = "dir-" + std::to_string(spec.volumes.size());
    spec.volumes.push_back({.name = name, .host_path = std::move(host_path)});
    mounts.push_back(
        {.name = name, .mount_path = folder.guest_path, .read_only = folder.read_only});
  }
  return {};
}

Result<void> checkPolicy(const host::ComponentSpec& component) {
  const auto found = host::policyProblem(component, {.pool_size = "--pool-size",
                                                     .max_invocations = "--max-invocations",
                                                     .max_concurrency = "--max-concurrency",
                                                     .timeout = "--timeout",
                                                     .cpu_limit = "--cpu-limit",
                                                     .memory = "--max-memory"});
  if (!found) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(found->name) + found->message);
}

}  // namespace

Result<std::uint64_t> parseBytes(std::string_view text) {
  static constexpr Unit kUnits[] = {{"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30},
                                    {"K", 1ULL << 10},   {"M", 1ULL << 20},   {"G", 1ULL << 30}};
  if (const auto bytes = parseWithUnit(text, kUnits, 1)) return *bytes;
  return fail(ErrorCode::kInvalidArgument,
              "\"" + std::string(text) + "\" is not a size, such as 64KiB, 512MiB or 2GiB");
}

Result<Duration> parseDuration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  constexpr std::uint64_t kMostMs = 365ULL * 24 * 3'600'000;
  const auto ms = parseWithUnit(text, kUnits, 0);  // nobody knows which unit is meant
  if (ms && *ms <= kMostMs) return std::chrono::milliseconds(*ms);
  return fail(ErrorCode::kInvalidArgument,
              "\"" + std::string(text) + "\" is not a duration, such as 250ms, 30s or 5m");
}

void addGuestFlags(CLI::App& command, GuestFlags& flags) {
  command.add_option("--env", flags.environment, "Environment variable of the guest")
      ->check(acceptedBy(parseVariable))
      ->option_text("NAME=VALUE ...")
      ->allow_extra_args(false);
  command.add_option("--dir", flags.folders, "Folder the guest may use")
      ->check(acceptedBy(parseFolder))
      ->option_text("HOST::GUEST[:ro] ...")
      ->allow_extra_args(false);
  command
      .add_option("--allowed-host", flags.allowed_hosts,
                  "Where the guest may connect to: *, HOST[:PORT], SCHEME://HOST, *.SUFFIX")
      ->check(acceptedBy(entryOf<host::HostRule>))
      ->option_text("PATTERN ...")
      ->allow_extra_args(false);
  command
      .add_option("--allowed-lookup", flags.allowed_lookups,
                  "Names the guest may look up by wasi:sockets: *, NAME, *.SUFFIX")
      ->check(acceptedBy(entryOf<host::HostPattern>))
      ->option_text("PATTERN ...")
      ->allow_extra_args(false);
  command
      .add_option("--allowed-loopback-port", flags.allowed_loopback_ports,
                  "Ports of this machine's loopback the guest may reach: 5432, 53/udp")
      ->check(acceptedBy(entryOf<host::LoopbackPort>))
      ->option_text("PORT ...")
      ->allow_extra_args(false);
  command
      .add_option("--outgoing-ca", flags.outgoing_ca_files,
                  "Authorities that outgoing HTTPS trusts beside the system's (PEM)")
      ->check(CLI::ExistingFile)
      ->option_text("FILE ...")
      ->allow_extra_args(false);
  command.add_option("--pool-size", flags.pool_size,
                     "Warm instances that are reused; 0: a fresh one for every request");
  command.add_option("--max-invocations", flags.max_invocations,
                     "Requests after which a warm instance ends; 0: no limit");
  command
      .add_option("--max-concurrency", flags.max_concurrency,
                  "Requests at once on one warm instance (WASI 0.3)")
      ->check(numberFrom(1, UINT32_MAX));
  command.add_option("--max-memory", flags.max_memory, "Linear memory of one instance")
      ->check(acceptedBy(parseBytes))
      ->option_text("SIZE (default 512MiB)");
  command.add_option("--timeout", flags.timeout, "Wall time of one request")
      ->check(acceptedBy(parseDuration))
      ->option_text("DURATION (default 10m)");
  command.add_option("--keyvalue", flags.keyvalue, "Where wasi:keyvalue keeps its data")
      ->check(acceptedBy(keyValueProviderOf))
      ->option_text(
          "memory|sqlite:FILE|redis://HOST|unix:PATH|tcp:HOST:PORT|nats:PREFIX (default memory)");
  command.add_option("--config", flags.config, "Configuration that the guest reads by wasi:config")
      ->check(acceptedBy(parseKeyValue))
      ->option_text("KEY=VALUE ...")
      ->allow_extra_args(false);
  command
      .add_option("--provider", flags.providers,
                  "Who serves a package of interfaces that the guest imports")
      ->check(acceptedBy(parseProvider))
      ->option_text("NAMESPACE:PACKAGE=unix:PATH|tcp:HOST:PORT|nats:PREFIX ...")
      ->allow_extra_args(false);
  command.add_option("--cpu-limit", flags.cpu_limit, "CPU time of one request")
      ->check(acceptedBy(parseDuration))
      ->option_text("DURATION (default 10s)");
  addNatsFlags(command, flags.nats);
}

Result<host::DataPlaneOptions> planeOptionsOf(const GuestFlags& flags) {
  host::DataPlaneOptions options;
  host::ProvidersOptions& providers = options.runtime.providers;
  TRY(providers.nats, natsOptionsOf(flags.nats));
  if (flags.keyvalue.starts_with(kSqlitePrefix)) {
    TRY(providers.keyvalue.database, absolutePath(flags.keyvalue.substr(kSqlitePrefix.size())));
  }
  options.runtime.egress.allow_host_loopback = true;
  options.client_tls.extra_ca_paths = flags.outgoing_ca_files;
  if (isRedisUrl(flags.keyvalue))
    providers.keyvalue.redis =
        keyvalue::RedisOptions{.url = flags.keyvalue, .tls = options.client_tls};
  return options;
}

Result<host::WorkloadSpec> workloadOf(const GuestFlags& flags, const std::string& component_path) {
  host::WorkloadSpec spec;
  spec.name = "run";
  host::ComponentSpec& component = spec.components.emplace_back();
  component.name = fs::path(component_path).stem();
  component.file = component_path;
  component.pool_size = flags.pool_size;
  component.max_invocations = flags.max_invocations;
  component.max_concurrency = flags.max_concurrency;
  component.local_resources.allowed_hosts = flags.allowed_hosts;
  component.local_resources.allowed_ip_name_lookups = flags.allowed_lookups;
  component.local_resources.allowed_host_loopback_ports = flags.allowed_loopback_ports;
  TRY_VOID(addEnvironment(flags, component.local_resources));
  TRY_VOID(addFolders(flags, spec));
  TRY_VOID(addConfig(flags, component.local_resources));
  TRY_VOID(addKeyValue(flags, spec));
  TRY_VOID(addProviders(flags, spec));
  if (!flags.max_memory.empty()) {
    TRY(const std::uint64_t bytes, parseBytes(flags.max_memory));
    if (bytes != 0 && bytes < 1ULL << 20)
      return fail(ErrorCode::kInvalidArgument, "--max-memory: " + inQuotes(flags.max_memory) +
                                                   " is " + std::to_string(bytes) +
                                                   " bytes; the least is 1MiB");
    // As much as was said, or a little more; an absurd number stays one.
    component.local_resources.memory_limit_mb =
        (bytes >> 20) + ((bytes & ((1ULL << 20) - 1)) == 0 ? 0 : 1);
  }
  if (!flags.timeout.empty()) {
    TRY(const Duration timeout, parseDuration(flags.timeout));
    component.timeout_ms = static_cast<std::uint64_t>(timeout / std::chrono::milliseconds(1));
  }
  if (!flags.cpu_limit.empty()) {
    TRY(const Duration limit, parseDuration(flags.cpu_limit));
    component.local_resources.cpu_limit_ms =
        static_cast<std::uint64_t>(limit / std::chrono::milliseconds(1));
  }
  TRY_VOID(checkPolicy(component));
  spec.routes.push_back({.host = "", .path = "/", .methods = {}, .component = component.name});
  return spec;
}

}  // namespace nimbus::wash
