#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "host/providers.h"
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

  // The Invoker for an address that was opened.
  [[nodiscard]] Result<std::shared_ptr<wrpc::Invoker>> at(const wrpc::ProviderAddress& address);

 private:
  [[nodiscard]] Result<std::shared_ptr<wrpc::Invoker>> make(const wrpc::ProviderAddress& address);
  [[nodiscard]] nats::ConnectOptions natsOptionsOf(const wrpc::ProviderAddress& address) const;

  net::Shard& control_;
  const std::function<net::Resolver&(net::Shard&)> resolver_;
  const nats::ConnectOptions own_nats_;
  Logger& log_;
  std::map<std::string, std::weak_ptr<wrpc::Invoker>> invokers_;
  std::map<std::string, std::shared_ptr<nats::Connection>> nats_;  // by servers
};

}  // namespace nimbus::host
