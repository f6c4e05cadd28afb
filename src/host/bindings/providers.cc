#include "host/bindings/providers.h"

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "capability/config/config.h"
#include "capability/keyvalue/keyvalue.h"
#include "capability/keyvalue/remote/remote_keyspace.h"
#include "host/bindings/remote_providers.h"
#include "host/bindings/workload_exports.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kKeyValue = "wasi:keyvalue";

std::optional<std::uint64_t> numberIn(const StringMap& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() ? std::nullopt : parseDecimal(found->second);
}

// What the entry says, and else `quota`.
keyvalue::Quota quotaOf(const StringMap& config, keyvalue::Quota quota) {
  if (const auto bytes = numberIn(config, "max-bytes")) quota.max_bytes = bytes;
  if (const auto keys = numberIn(config, "max-keys")) quota.max_keys = keys;
  return quota;
}

// Lengths keep texts apart, whatever is in them.
std::string fingerprintOf(std::string_view provider, const StringMap& config) {
  std::string print = fmt::format("{}:{}", provider.size(), provider);
  for (const auto& [key, value] : config)
    print += fmt::format("|{}:{}{}:{}", key.size(), key, value.size(), value);
  return print;
}

// Namespaces keep workloads apart, so a provider is of the consumer's own.
Result<CallGraph::Called> calledBy(const WorkloadSpec& workload, const HostInterface& entry,
                                   const ComponentProvider& component) {
  const std::string& own = workload.namespace_name;
  const auto parts = splitOnce(component.workload, '/');
  if (parts && parts->first != own)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is of another namespace than the workload, which is of {}",
                            entry.provider, inQuotes(own)));
  const std::string name =
      parts ? component.workload : fmt::format("{}/{}", own, component.workload);
  if (component.workload.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} cannot be served by {}: the workload has no other component of "
                            "that name which exports it",
                            nameOf(entry), entry.provider));
  if (name == workload.id())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} cannot be served by {}: within a workload it is component:NAME, "
                            "and not the component itself",
                            nameOf(entry), entry.provider));
  return CallGraph::Called{name, component.component};
}

// The entry's values, and over them the component's own.
BindingTarget configTarget(const ProviderRequest& request) {
  StringMap values = request.component.local_resources.config;
  if (request.entry != nullptr)
    values.insert(request.entry->config.begin(), request.entry->config.end());
  std::string fingerprint = fingerprintOf("config", values);
  return {.provider = "config",
          .fingerprint = std::move(fingerprint),
          .invoker = config::serveConfig({values.begin(), values.end()}),
          .take_effect = {}};
}

KeyvalueOptions keyvalueOptionsOf(const ProvidersOptions& options) {
  KeyvalueOptions keyvalue = options.keyvalue;
  if (!keyvalue.nats.server) keyvalue.nats.server = options.nats;
  return keyvalue;
}

BindingTarget loggingTarget(const ProviderRequest& request) {
  return {.provider = "logging",
          .fingerprint = fmt::format("logging|{}", request.generation),
          .invoker = logging::serveLogging(request.log),
          .take_effect = {}};
}

}  // namespace

std::string keyspaceOf(const WorkloadSpec& workload, const HostInterface& entry) {
  if (const auto shared = entry.config.find("keyspace"); shared != entry.config.end())
    return fmt::format("shared/{}/{}", workload.namespace_name, shared->second);
  const std::string own = fmt::format("workload/{}", workload.id());
  return entry.name.empty() ? own : fmt::format("{}/{}", own, entry.name);
}

std::string bucketPrefixOf(const WorkloadSpec& workload, const HostInterface& entry) {
  const auto given = entry.config.find("bucket-prefix");
  return given != entry.config.end() ? given->second : keyspaceOf(workload, entry) + "/";
}

Providers::Providers(net::Shard& control, ProvidersOptions options,
                     std::unique_ptr<RemoteProviders> remote, WorkloadExports& exports, Logger& log)
    : options_(std::move(options)),
      remote_(std::move(remote)),
      exports_(exports),
      keyvalue_(control, keyvalueOptionsOf(options_), log) {}

Providers::~Providers() = default;

void Providers::cancelWatches() { remote_->cancelWatches(); }

Result<ProviderRef> Providers::refOf(const HostInterface& entry) const {
  if (!entry.provider.empty()) return parseProviderRef(entry.provider);
  return BuiltInProvider{packageOf(entry) == kKeyValue ? keyvalue_.defaultProvider()
                                                       : entry.package};
}

Task<Result<void>> Providers::open(std::shared_ptr<const WorkloadSpec> workload) {
  for (const HostInterface& entry : workload->host_interfaces) {
    const auto ref = refOf(entry);
    if (!ref) co_return std::unexpected(ref.error());
    if (const auto* address = std::get_if<wrpc::ProviderAddress>(&*ref))
      CO_TRY_VOID(co_await remote_->open(*address));
    const auto* built_in = std::get_if<BuiltInProvider>(&*ref);
    if (built_in != nullptr && packageOf(entry) == kKeyValue)
      CO_TRY_VOID(co_await keyvalue_.open(built_in->name));
  }
  co_return Result<void>();
}

Result<BindingTarget> Providers::targetFor(const ProviderRequest& request) {
  if (request.entry == nullptr) return builtIn(request, request.package.substr(5));
  TRY(const ProviderRef ref, refOf(*request.entry));
  if (const auto* name = std::get_if<BuiltInProvider>(&ref)) return builtIn(request, name->name);
  if (const auto* address = std::get_if<wrpc::ProviderAddress>(&ref))
    return remoteTarget(request, *address);
  if (const auto* given = std::get_if<GivenProvider>(&ref)) return givenTarget(*given);
  return componentTarget(request, std::get<ComponentProvider>(ref));
}

Result<BindingTarget> Providers::componentTarget(const ProviderRequest& request,
                                                 const ComponentProvider& component) {
  TRY(const CallGraph::Called called, calledBy(request.workload, *request.entry, component));
  const auto used = exports_.find(called.workload, called.component);
  const std::string where = fmt::format("workload:{}/{}", called.workload, called.component);
  return BindingTarget{.provider = where,
                       .fingerprint = fingerprintOf(where, {}),
                       .invoker = used,
                       .take_effect = {},
                       .problem = [used] { return used->problem(); },
                       .called = called,
                       .check = [used](std::string_view name) { return used->check(name); }};
}

Result<BindingTarget> Providers::givenTarget(const GivenProvider& provider) {
  if (!options_.given)
    return fail(ErrorCode::kUnsupported, "nobody brings a provider along to this host");
  TRY(Given given, options_.given(provider.name));
  const std::string where = "given:" + provider.name;
  return BindingTarget{.provider = where,
                       .fingerprint = fingerprintOf(where, {}),
                       .invoker = std::move(given.invoker),
                       .take_effect = {},
                       .requests = std::move(given.requests)};
}

Result<BindingTarget> Providers::builtIn(const ProviderRequest& request, const std::string& name) {
  if (request.package == "wasi:config") return configTarget(request);
  if (request.package == "wasi:logging") return loggingTarget(request);
  if (request.package == kKeyValue) return keyvalueTarget(request, name);
  return fail(ErrorCode::kUnsupported,
              fmt::format("this host has no provider of {}", request.package));
}

Result<BindingTarget> Providers::keyvalueTarget(const ProviderRequest& request,
                                                const std::string& name) {
  const std::shared_ptr<keyvalue::Keyspace> keyspace =
      keyvalue_.keyspace(name, keyspaceOf(request.workload, *request.entry));
  const keyvalue::Quota quota = quotaOf(request.entry->config, keyvalue_.defaultQuota(name));
  return BindingTarget{.provider = name,
                       .fingerprint = fingerprintOf(name, request.entry->config),
                       .invoker = keyvalue::serveKeyValue(keyspace),
                       .take_effect = [keyspace, quota] { keyspace->limit(quota); },
                       .problem = keyvalue_.problemOf(name)};
}

Result<BindingTarget> Providers::remoteTarget(const ProviderRequest& request,
                                              const wrpc::ProviderAddress& address) {
  TRY(auto remote, remote_->at(address));
  auto invoker = std::move(remote.invoker);
  if (request.package == kKeyValue)
    invoker = keyvalue::serveKeyValue(keyvalue::remoteKeyspace(
        std::move(invoker), request.consumer,
        {.bucket_prefix = bucketPrefixOf(request.workload, *request.entry)}));
  const std::string where = address.toString();
  return BindingTarget{.provider = where,
                       .fingerprint = fingerprintOf(where, request.entry->config),
                       .invoker = std::move(invoker),
                       .take_effect = {},
                       .problem = [reach = remote.reach] { return reach->problem(); }};
}

}  // namespace nimbus::host
