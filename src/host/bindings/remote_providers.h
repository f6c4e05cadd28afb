#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/sync.h"
#include "host/bindings/provider_reach.h"
#include "host/bindings/providers.h"
#include "nats/connection.h"
#include "net/resolver.h"
#include "net/shard.h"

namespace nimbus::host {

// Providers at addresses of wRPC. All of one address share an Invoker, and all of one NATS server a
// connection, which is kept. On the control shard, and destroyed while that runs.
class RemoteProviders {
 public:
  // `resolver` gives that of a serving shard; `nats` is for addresses that name no servers.
  RemoteProviders(net::Shard& control, std::function<net::Resolver&(net::Shard&)> resolver,
                  nats::ConnectOptions nats, Logger& log)
      : control_(control), resolver_(std::move(resolver)), own_nats_(std::move(nats)), log_(log) {}

  // Connects to NATS, if the address needs it and nothing did before. For others nothing is
  // connected before the first call.
  [[nodiscard]] Task<Result<void>> open(wrpc::ProviderAddress address);

  struct Provider {
    std::shared_ptr<wrpc::Invoker> invoker;
    std::shared_ptr<const ProviderReach> reach;
  };
  // For an address that was opened.
  [[nodiscard]] Result<Provider> at(const wrpc::ProviderAddress& address);

  // Nobody wants to know any more who listens. On the control shard, before this is destroyed on
  // another thread.
  void cancelWatches() { watches_.cancelAll(); }

 private:
  [[nodiscard]] Result<std::shared_ptr<wrpc::Invoker>> make(
      const wrpc::ProviderAddress& address, const std::shared_ptr<ProviderReach>& reach);
  // Looks whether somebody listens at the address: now, and as long as nobody does again and again,
  // until nobody wants to know.
  Task<void> watch(std::weak_ptr<ProviderReach> watched, net::Endpoint where);
  [[nodiscard]] nats::ConnectOptions natsOptionsOf(const wrpc::ProviderAddress& address) const;

  net::Shard& control_;
  const std::function<net::Resolver&(net::Shard&)> resolver_;
  const nats::ConnectOptions own_nats_;
  Logger& log_;
  struct Known {
    std::weak_ptr<wrpc::Invoker> invoker;
    std::weak_ptr<ProviderReach> reach;
  };
  std::map<std::string, Known> known_;                             // by address
  std::map<std::string, std::shared_ptr<nats::Connection>> nats_;  // by servers
  TaskSet watches_;
};

}  // namespace nimbus::host
