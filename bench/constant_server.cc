// Our whole HTTP stack without a guest: the limit for everything that serves components, and what
// `epoll_responder` is held against. `constant_server [--shards N]`; ends on SIGTERM or SIGINT.

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "constant_answer.h"
#include "http/handler.h"
#include "http/server.h"
#include "net/shard.h"
#include "net/socket.h"

namespace {

using nimbus::Result;
using nimbus::Task;
namespace http = nimbus::http;
namespace net = nimbus::net;

class ConstantHandler final : public http::Handler {
 public:
  Task<void> handle(http::ServerRequest& /*request*/, http::ResponseWriter& response) override {
    http::sendText(response, 200, nimbus::bench::kConstantAnswer);
    co_return;
  }
};

template <typename T>
T orDie(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "constant_server: %s\n", result.error().describe().c_str());
  std::exit(1);
}

std::size_t shardCount(int argc, char** argv) {
  if (argc == 1) return 1;
  if (argc == 3 && std::string_view(argv[1]) == "--shards") {
    if (const long count = std::strtol(argv[2], nullptr, 10); count > 0 && count <= 1024) {
      return static_cast<std::size_t>(count);
    }
  }
  std::fprintf(stderr, "usage: constant_server [--shards N]\n");
  std::exit(2);
}

// Blocked before the shards' threads start, so that they inherit it and only main() sees a signal.
sigset_t blockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t shard_count = shardCount(argc, argv);
  const sigset_t stop_signals = blockStopSignals();
  const auto log = nimbus::makeStderrLogger(nimbus::LogLevel::kWarn, nimbus::LogFormat::kText);
  nimbus::MetricRegistry metrics;
  ConstantHandler handler;

  const auto shards = orDie(net::ShardGroup::start(shard_count));
  auto sockets = orDie(net::listenOn(orDie(net::Endpoint::parse("127.0.0.1:0")), shard_count));
  std::printf("listening on %s\n", sockets.front()->boundTo().toString().c_str());
  std::fflush(stdout);

  http::ServerOptions options;
  options.connections = std::make_shared<http::ListenerConnections>(options.limits.max_connections);
  std::vector<std::unique_ptr<http::Server>> servers(shard_count);
  shards->runOnEach([&](net::Shard& shard) {
    servers[shard.index()] =
        http::makeServer(shard, std::move(sockets[shard.index()]), handler, options, *log, metrics);
  });

  int received = 0;
  sigwait(&stop_signals, &received);
  shards->runOnEach([&](net::Shard& shard) { servers[shard.index()].reset(); });
}
