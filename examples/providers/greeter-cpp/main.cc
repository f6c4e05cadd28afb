// greeter ADDRESS: serves example:greeter at unix:PATH or tcp:HOST:PORT until it is told to end.

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/log.h"
#include "greeter.h"
#include "net/shard.h"
#include "net/socket.h"
#include "wrpc/address.h"
#include "wrpc/framed_server.h"

namespace {

using namespace nimbus;

Result<void> serve(std::string_view where, const sigset_t& ending) {
  TRY(const auto address, wrpc::ProviderAddress::parse(where));
  TRY(const net::Endpoint endpoint, address.endpoint());
  TRY(auto sockets, net::listenOn(endpoint, 1));
  TRY(const auto shards, net::ShardGroup::start(1));
  const auto log = makeStderrLogger(LogLevel::kInfo, LogFormat::kText);
  const auto invoker = std::make_shared<wrpc::ServiceInvoker>(
      std::vector{example::greeter::greeter::serve(example::makeGreeter())});

  std::unique_ptr<wrpc::FramedServer> server;
  shards->runOn(0, [&](net::Shard& shard) {
    server = wrpc::makeFramedServer(shard, std::move(sockets[0]), invoker, {}, *log);
  });
  int signal = 0;
  sigwait(&ending, &signal);
  shards->runTask(0, [&](net::Shard&) -> Task<void> {
    co_await server->drain(std::chrono::seconds(5));
    server = nullptr;
  });
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: greeter unix:PATH | tcp:HOST:PORT\n", stderr);
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
