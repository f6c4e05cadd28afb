#include "host/remote_providers.h"

#include <cstdint>

#include "base/rate_limit.h"
#include "base/text.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"

namespace nimbus::host {
namespace {

using Transport = wrpc::ProviderAddress::Transport;

constexpr std::uint32_t kMaxFailuresPerSecond = 5;  // of one provider, in the log

// The guest sees only what its interface can say, and may say nothing.
std::function<void(const Error&)> reporting(Logger& log, std::string provider) {
  auto limited = std::make_shared<LimitedLogger>(log, kMaxFailuresPerSecond);
  return [limited = std::move(limited), provider = std::move(provider)](const Error& error) {
    limited->warn("a call of a provider failed",
                  {{"provider", provider}, {"error", error.describe()}});
  };
}

}  // namespace

// Who names a server in a manifest must not get the host's identity sent there.
nats::ConnectOptions RemoteProviders::natsOptionsOf(const wrpc::ProviderAddress& address) const {
  if (address.nats_servers.empty()) return own_nats_;
  nats::ConnectOptions options;
  options.servers.clear();
  for (const std::string_view server : split(address.nats_servers, ','))
    options.servers.emplace_back(server);
  return options;
}

Task<Result<void>> RemoteProviders::open(wrpc::ProviderAddress address) {
  if (address.transport != Transport::kNats || nats_.contains(address.nats_servers))
    co_return Result<void>();
  auto connected = co_await nats::Connection::connect(control_, natsOptionsOf(address), log_);
  if (!connected)
    co_return fail(connected.error().code(),
                   "cannot reach the NATS server of " + address.toString(),
                   std::move(connected).error());
  const bool first = nats_.emplace(address.nats_servers, *connected).second;
  // Another workload may have connected meanwhile.
  if (!first) co_await (*connected)->close();
  co_return Result<void>();
}

Result<std::shared_ptr<wrpc::Invoker>> RemoteProviders::make(const wrpc::ProviderAddress& address) {
  auto on_failure = reporting(log_, address.toString());
  if (address.transport == Transport::kNats) {
    wrpc::NatsClientOptions options;
    options.prefix = address.nats_prefix;
    options.on_failure = std::move(on_failure);
    return wrpc::makeNatsInvoker(nats_.at(address.nats_servers), std::move(options));
  }
  wrpc::FramedClientOptions options;
  options.on_failure = std::move(on_failure);
  options.resolver = resolver_;
  return wrpc::makeFramedInvoker(address, std::move(options));
}

Result<std::shared_ptr<wrpc::Invoker>> RemoteProviders::at(const wrpc::ProviderAddress& address) {
  std::erase_if(invokers_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<wrpc::Invoker>& known = invokers_[address.toString()];
  if (auto invoker = known.lock()) return invoker;
  TRY(auto invoker, make(address));
  known = invoker;
  return invoker;
}

}  // namespace nimbus::host
