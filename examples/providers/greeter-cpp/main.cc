// greeter ADDRESS: serves example:greeter at unix:PATH, tcp:HOST:PORT or nats://SERVER/PREFIX
// until it is told to end.

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "greeter.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "net/socket.h"
#include "wrpc/address.h"
#include "wrpc/framed_server.h"
#include "wrpc/nats_server.h"

namespace {

using namespace nimbus;

constexpr Duration kDrainBound = std::chrono::seconds(5);

// What is served: all of it on one shard, for handles of one mean nothing to another.
struct Provider {
  wrpc::Interface interface = example::greeter::greeter::serve(example::makeGreeter());
  std::shared_ptr<wrpc::Invoker> invoker =
      std::make_shared<wrpc::ServiceInvoker>(std::vector{interface});
  std::unique_ptr<Logger> log = makeStderrLogger(LogLevel::kInfo, LogFormat::kText);
};

void announce(const std::string& address) {
  std::printf("serving %s\n", address.c_str());
  std::fflush(stdout);
}

void waitFor(const sigset_t& ending) {
  int signal = 0;
  sigwait(&ending, &signal);
}

Result<void> serveFramed(net::ShardGroup& shards, const Provider& provider,
                         wrpc::ProviderAddress address, const sigset_t& ending) {
  TRY(const net::Endpoint endpoint, address.endpoint());
  TRY(auto sockets, net::listenOn(endpoint, 1));
  address.port = sockets[0]->boundTo().port;
  std::unique_ptr<wrpc::FramedServer> server;
  shards.runOn(0, [&](net::Shard& shard) {
    server =
        wrpc::makeFramedServer(shard, std::move(sockets[0]), provider.invoker, {}, *provider.log);
  });
  announce(address.toString());
  waitFor(ending);
  shards.runTask(0, [&](net::Shard&) -> Task<void> {
    co_await server->drain(kDrainBound);
    server = nullptr;
  });
  return {};
}

struct NatsServing {
  std::shared_ptr<nats::Connection> connection;
  std::unique_ptr<wrpc::NatsServer> server;
};

Task<Result<void>> startNats(net::Shard& shard, const Provider& provider,
                             wrpc::ProviderAddress address, NatsServing& serving) {
  nats::ConnectOptions where;
  if (!address.nats_servers.empty()) where.servers = {address.nats_servers};
  CO_TRY(serving.connection, co_await nats::Connection::connect(shard, where, *provider.log));
  wrpc::NatsServerOptions options;
  options.prefix = address.nats_prefix;
  for (const wrpc::InterfaceFunction& function : provider.interface.functions)
    options.functions.emplace_back(provider.interface.instance, function.name);
  CO_TRY(serving.server, co_await wrpc::makeNatsServer(shard, serving.connection, provider.invoker,
                                                       options, *provider.log));
  co_return Result<void>();
}

Result<void> serveNats(net::ShardGroup& shards, const Provider& provider,
                       const wrpc::ProviderAddress& address, const sigset_t& ending) {
  NatsServing serving;
  Result<void> started;
  shards.runTask(0, [&](net::Shard& shard) -> Task<void> {
    started = co_await startNats(shard, provider, address, serving);
  });
  if (started) {
    announce(address.toString());
    waitFor(ending);
  }
  shards.runTask(0, [&](net::Shard&) -> Task<void> {
    if (serving.server) co_await serving.server->drain(kDrainBound);
    serving.server = nullptr;
    if (serving.connection) co_await serving.connection->close();
    serving.connection = nullptr;
  });
  return started;
}

Result<void> serve(std::string_view where, const sigset_t& ending) {
  TRY(const auto address, wrpc::ProviderAddress::parse(where));
  TRY(const auto shards, net::ShardGroup::start(1));
  const Provider provider;
  return address.transport == wrpc::ProviderAddress::Transport::kNats
             ? serveNats(*shards, provider, address, ending)
             : serveFramed(*shards, provider, address, ending);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: greeter unix:PATH | tcp:HOST:PORT | nats:PREFIX | nats://SERVER/PREFIX\n",
               stderr);
    return 2;
  }
  sigset_t ending;  // blocked in all threads, and waited for in this one
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  const auto done = serve(argv[1], ending);
  if (done) return 0;
  std::fprintf(stderr, "greeter: %s\n", done.error().describe().c_str());
  return 1;
}
