#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "nats/connect_options.h"
#include "net/shard.h"
#include "wrpc/address.h"
#include "wrpc/invoker.h"

namespace nimbus::nats {
class Connection;
}

namespace nimbus::wrpc {

class FramedServer;
class NatsServer;

// What a provider of its own serves.
struct ServedFunctions {
  std::shared_ptr<Invoker> invoker;
  // Instance and function, as they stand on the wire; for NATS alone, which must be told.
  std::vector<std::pair<std::string, std::string>> functions;
};

struct ProviderServerOptions {
  nats::ConnectOptions nats;  // its servers only where the address names none
  std::size_t max_root_bytes = 16 * 1024 * 1024;
};

// A provider at an address, whatever transport that names. It serves on the first shard of the
// group alone: handles of one shard mean nothing to another. Over NATS, providers with one prefix
// share their calls.
//
//   TRY(const auto server, ProviderServer::listen(*shards, address, served, {}, log));
//   … wait for a signal …
//   server->drain(std::chrono::seconds(5));
//
// Destroying it ends at once what still runs. All functions block; none is for a shard's thread.
class ProviderServer {
 public:
  // `shards` and `log` outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<ProviderServer>> listen(net::ShardGroup& shards,
                                                                      ProviderAddress address,
                                                                      ServedFunctions served,
                                                                      ProviderServerOptions options,
                                                                      Logger& log);
  ProviderServer(const ProviderServer&) = delete;
  ProviderServer& operator=(const ProviderServer&) = delete;
  ~ProviderServer();

  // With the port that was taken where the one asked for was 0.
  [[nodiscard]] std::string address() const { return address_.toString(); }

  // Takes no more calls, and gives those that run until `bound` to end.
  void drain(Duration bound);

 private:
  ProviderServer(net::ShardGroup& shards, ProviderAddress address);

  Result<void> listenFramed(ServedFunctions served, ProviderServerOptions options, Logger& log);
  Task<Result<void>> listenNats(net::Shard& shard, ServedFunctions served,
                                ProviderServerOptions options, Logger& log);

  net::ShardGroup& shards_;
  ProviderAddress address_;
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<FramedServer> framed_;
  std::unique_ptr<NatsServer> nats_;
};

}  // namespace nimbus::wrpc
