#include "host/remote_providers.h"

#include "base/text.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"

namespace nimbus::host {
namespace {

using Transport = wrpc::ProviderAddress::Transport;

nats::ConnectOptions connectOptionsOf(const wrpc::ProviderAddress& address) {
  nats::ConnectOptions options;
  if (address.nats_servers.empty()) return options;
  options.servers.clear();
  for (const std::string_view server : split(address.nats_servers, ','))
    options.servers.emplace_back(server);
  return options;
}

}  // namespace

Task<Result<void>> RemoteProviders::open(wrpc::ProviderAddress address) {
  if (address.transport != Transport::kNats || nats_.contains(address.nats_servers))
    co_return Result<void>();
  auto connected = co_await nats::Connection::connect(control_, connectOptionsOf(address), log_);
  if (!connected)
    co_return fail(connected.error().code(),
                   "cannot reach the NATS server of " + address.toString(),
                   std::move(connected).error());
  nats_.emplace(address.nats_servers, *std::move(connected));
  co_return Result<void>();
}

Result<std::shared_ptr<wrpc::Invoker>> RemoteProviders::make(const wrpc::ProviderAddress& address) {
  if (address.transport == Transport::kNats)
    return wrpc::makeNatsInvoker(nats_.at(address.nats_servers), {.prefix = address.nats_prefix});
  wrpc::FramedClientOptions options;
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
