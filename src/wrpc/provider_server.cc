#include "wrpc/provider_server.h"

#include "base/text.h"
#include "nats/connection.h"
#include "net/socket.h"
#include "wrpc/framed_server.h"
#include "wrpc/nats_server.h"

namespace nimbus::wrpc {

ProviderServer::ProviderServer(net::ShardGroup& shards, ProviderAddress address)
    : shards_(shards), address_(std::move(address)) {}

ProviderServer::~ProviderServer() {
  shards_.runTask(0, [this](net::Shard&) -> Task<void> {
    framed_.reset();
    nats_.reset();
    if (connection_) co_await connection_->close();
    connection_.reset();
  });
}

Result<std::unique_ptr<ProviderServer>> ProviderServer::listen(net::ShardGroup& shards,
                                                               ProviderAddress address,
                                                               ServedFunctions served,
                                                               ProviderServerOptions options,
                                                               Logger& log) {
  const bool over_nats = address.transport == ProviderAddress::Transport::kNats;
  std::unique_ptr<ProviderServer> server(new ProviderServer(shards, std::move(address)));
  Result<void> listening;
  if (over_nats) {
    shards.runTask(0, [&](net::Shard& shard) -> Task<void> {
      listening = co_await server->listenNats(shard, std::move(served), std::move(options), log);
    });
  } else {
    listening = server->listenFramed(std::move(served), std::move(options), log);
  }
  TRY_VOID(listening);
  return server;
}

Result<void> ProviderServer::listenFramed(ServedFunctions served, ProviderServerOptions options,
                                          Logger& log) {
  TRY(const net::Endpoint endpoint, address_.endpoint());
  TRY(auto sockets, net::listenOn(endpoint, 1));
  address_.port = sockets.front()->boundTo().port;
  FramedServerOptions framed;
  framed.limits.max_root_bytes = options.max_root_bytes;
  shards_.runOn(0, [&](net::Shard& shard) {
    framed_ =
        makeFramedServer(shard, std::move(sockets.front()), std::move(served.invoker), framed, log);
  });
  return {};
}

Task<Result<void>> ProviderServer::listenNats(net::Shard& shard, ServedFunctions served,
                                              ProviderServerOptions options, Logger& log) {
  nats::ConnectOptions where = std::move(options.nats);
  if (!address_.nats_servers.empty()) {
    where.servers.clear();
    for (const std::string_view server : split(address_.nats_servers, ','))
      where.servers.emplace_back(server);
  }
  CO_TRY(connection_, co_await nats::Connection::connect(shard, std::move(where), log));
  NatsServerOptions serving;
  serving.prefix = address_.nats_prefix;
  serving.queue_group = address_.nats_prefix.empty() ? "provider" : address_.nats_prefix;
  serving.functions = std::move(served.functions);
  serving.max_root_bytes = options.max_root_bytes;
  CO_TRY(nats_, co_await makeNatsServer(shard, connection_, std::move(served.invoker),
                                        std::move(serving), log));
  co_return Result<void>();
}

void ProviderServer::drain(Duration bound) {
  shards_.runTask(0, [this, bound](net::Shard&) {
    return framed_ ? framed_->drain(bound) : nats_->drain(bound);
  });
}

}  // namespace nimbus::wrpc
