#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "capability/logging/logging.h"
#include "engine/import_set.h"
#include "host/bindings/bindings.h"
#include "host/bindings/keyvalue_stores.h"
#include "host/manifest/manifest.h"
#include "host/manifest/provider_ref.h"
#include "nats/connect_options.h"
#include "net/shard.h"

namespace nimbus::host {

class RemoteProviders;
class WorkloadExports;

// What the program around a host brings along.
struct Given {
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<engine::RequestTarget> requests;  // null: it does not serve HTTP
};
// The provider of that name at given:NAME; kNotFound. On the control shard.
using FindGiven = std::function<Result<Given>(const std::string& name)>;

struct ProvidersOptions {
  KeyvalueOptions keyvalue;
  // Of providers at nats:PREFIX. Servers that a manifest names itself learn nothing of it.
  nats::ConnectOptions nats;
  // What the program around this host brings along; empty: nothing. Never the same name for two
  // providers that differ.
  FindGiven given;
};

// For whom a provider is wanted.
struct ProviderRequest {
  const WorkloadSpec& workload;
  const ComponentSpec& component;
  std::string package;         // "wasi:keyvalue"
  const HostInterface* entry;  // of the manifest; null: it needs none
  std::shared_ptr<const wrpc::Consumer> consumer;
  std::shared_ptr<logging::Sink> log;
  std::uint64_t generation;  // of the workload
};

// The providers that live in this host, and the way to the others. On the control shard.
class Providers {
 public:
  // `exports` outlives it.
  Providers(net::Shard& control, ProvidersOptions options, std::unique_ptr<RemoteProviders> remote,
            WorkloadExports& exports, Logger& log);
  ~Providers();

  // Opens what the workload's entries need.
  [[nodiscard]] Task<Result<void>> open(std::shared_ptr<const WorkloadSpec> workload);

  // Whom the request is served by; open() came before.
  [[nodiscard]] Result<BindingTarget> targetFor(const ProviderRequest& request);

  // The last call, on the control shard; it may be destroyed on another thread then.
  void cancelWatches();

 private:
  [[nodiscard]] Result<ProviderRef> refOf(const HostInterface& entry) const;
  [[nodiscard]] Result<BindingTarget> builtIn(const ProviderRequest& request,
                                              const std::string& name);
  [[nodiscard]] Result<BindingTarget> keyvalueTarget(const ProviderRequest& request,
                                                     const std::string& name);
  [[nodiscard]] Result<BindingTarget> remoteTarget(const ProviderRequest& request,
                                                   const wrpc::ProviderAddress& address);
  [[nodiscard]] Result<BindingTarget> componentTarget(const ProviderRequest& request,
                                                      const ComponentProvider& component);
  [[nodiscard]] Result<BindingTarget> givenTarget(const GivenProvider& provider);

  const ProvidersOptions options_;
  const std::unique_ptr<RemoteProviders> remote_;
  WorkloadExports& exports_;
  KeyvalueStores keyvalue_;
};

// Whose buckets a component uses: its workload's own, or those that its namespace shares under the
// name in the entry's `keyspace`.
[[nodiscard]] std::string keyspaceOf(const WorkloadSpec& workload, const HostInterface& entry);

// What is put before the names of buckets of a provider elsewhere: the entry's `bucket-prefix`, or
// one that keeps the workload's apart from others'.
[[nodiscard]] std::string bucketPrefixOf(const WorkloadSpec& workload, const HostInterface& entry);

}  // namespace nimbus::host
