#include "host/bindings/remote_providers.h"

#include <cstdint>

#include "base/race.h"
#include "base/rate_limit.h"
#include "base/text.h"
#include "net/socket.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"

namespace nimbus::host {
namespace {

using Transport = wrpc::ProviderAddress::Transport;

constexpr std::uint32_t kMaxFailuresPerSecond = 5;  // of one provider, in the log

constexpr Duration kLookEvery = std::chrono::seconds(2);  // for a provider that is not there
constexpr Duration kLookFor = std::chrono::seconds(5);    // at most, each time

// The guest sees only what its interface can say, and may say nothing.
std::function<void(const Error&)> reporting(Logger& log, std::string provider,
                                            std::shared_ptr<ProviderReach> reach) {
  auto limited = std::make_shared<LimitedLogger>(log, kMaxFailuresPerSecond);
  return [limited = std::move(limited), provider = std::move(provider),
          reach = std::move(reach)](const Error& error) {
    reach->failed(error);
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

Result<std::shared_ptr<wrpc::Invoker>> RemoteProviders::make(
    const wrpc::ProviderAddress& address, const std::shared_ptr<ProviderReach>& reach) {
  auto on_failure = reporting(log_, address.toString(), reach);
  const auto on_answer = [reach] { reach->found(); };
  if (address.transport == Transport::kNats) {
    wrpc::NatsClientOptions options;
    options.prefix = address.nats_prefix;
    options.on_failure = std::move(on_failure);
    options.on_answer = on_answer;
    return wrpc::makeNatsInvoker(nats_.at(address.nats_servers), std::move(options));
  }
  wrpc::FramedClientOptions options;
  options.on_failure = std::move(on_failure);
  options.on_answer = on_answer;
  options.resolver = resolver_;
  return wrpc::makeFramedInvoker(address, std::move(options));
}

Result<RemoteProviders::Provider> RemoteProviders::at(const wrpc::ProviderAddress& address) {
  std::erase_if(known_, [](const auto& entry) { return entry.second.invoker.expired(); });
  const std::string where = address.toString();
  if (const auto known = known_.find(where); known != known_.end())
    if (auto invoker = known->second.invoker.lock())
      return Provider{std::move(invoker), known->second.reach.lock()};
  const auto reach = std::make_shared<ProviderReach>();
  TRY(auto invoker, make(address, reach));
  known_.insert_or_assign(where, Known{invoker, reach});
  if (address.transport != Transport::kNats)
    if (const auto endpoint = address.endpoint()) watches_.spawn(watch(reach, *endpoint));
  return Provider{std::move(invoker), reach};
}

namespace {

Task<void> look(net::Shard& shard, net::Endpoint where,
                std::shared_ptr<Result<std::unique_ptr<net::Stream>>> met) {
  *met = co_await net::connectTo(shard, std::move(where));
}

}  // namespace

Task<void> RemoteProviders::watch(std::weak_ptr<ProviderReach> watched, net::Endpoint where) {
  bool first = true;
  while (const auto reach = watched.lock()) {
    if (std::exchange(first, false) || reach->missing()) {
      const auto met = std::make_shared<Result<std::unique_ptr<net::Stream>>>(
          fail(ErrorCode::kUnavailable, where.toString() + " does not answer"));
      co_await withTimeout(look(control_, where, met), control_.sleepFor(kLookFor));
      if (*met)
        reach->found();
      else
        reach->failed(met->error());
    }
    co_await control_.sleepFor(kLookEvery);
  }
}

}  // namespace nimbus::host
