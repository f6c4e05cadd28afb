// One end of the wRPC measurements of bench/wrpc.py.
//
//   wrpc_peer serve ADDRESS                   the service, until it is ended by a signal
//   wrpc_peer call ADDRESS CALLS BYTES        calls one after the other; prints ns and CPU per call
//   wrpc_peer stream ADDRESS                  reads 1 GiB; prints MiB/s and the most memory it took

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/log.h"
#include "net/shard.h"
#include "net/socket.h"
#include "peer.h"
#include "wrpc/framed_client.h"
#include "wrpc/framed_server.h"
#include "wrpc_service.h"

namespace nimbus::bench {
namespace {

[[noreturn]] void serve(net::ShardGroup& shards, const wrpc::ProviderAddress& address) {
  const auto log = makeStderrLogger(LogLevel::kInfo, LogFormat::kText);
  std::unique_ptr<wrpc::FramedServer> server;
  auto sockets = net::listenOn(*address.endpoint(), 1);
  if (!sockets) die(sockets.error());
  std::printf("listening on %s\n", (*sockets)[0]->boundTo().toString().c_str());
  std::fflush(stdout);
  shards.runOn(0, [&](net::Shard& shard) {
    server = wrpc::makeFramedServer(shard, std::move((*sockets)[0]),
                                    std::make_shared<ServiceInvoker>(), {}, *log);
  });
  for (;;) pause();
}

struct Client {
  Client(net::Shard& shard, const wrpc::ProviderAddress& address)
      : invoker(*wrpc::makeFramedInvoker(address)), session(invoker->open(shard, consumer)) {}

  Task<wrpc::Values> call(std::string_view function, const Bytes& bytes) {
    wrpc::Values params;
    params.bytes = encodeList(bytes);
    auto results = co_await session->invoke(
        context, *invoker->resolve({kServiceInstance, function}), std::move(params));
    if (!results) die(results.error());
    co_return std::move(*results);
  }

  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer = std::make_shared<wrpc::Consumer>();
  wrpc::CallContext context{
      .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  std::unique_ptr<wrpc::Session> session;
};

Task<void> measureCalls(net::Shard& shard, wrpc::ProviderAddress address, int calls,
                        std::size_t size) {
  Client client(shard, address);
  const ListShape shape;
  client.context.results = &shape;
  const Bytes bytes = Bytes::take(std::string(size, 'x'));
  for (int i = 0; i < calls / 10; ++i) (void)co_await client.call("echo", bytes);
  const double cpu = cpuMicroseconds();
  const auto start = SteadyClock::now();
  for (int i = 0; i < calls; ++i) (void)co_await client.call("echo", bytes);
  const std::chrono::duration<double, std::micro> took = SteadyClock::now() - start;
  std::printf("us_per_call %.3f cpu_us_per_call %.3f\n", took.count() / calls,
              (cpuMicroseconds() - cpu) / calls);
}

Task<void> measureStream(net::Shard& shard, wrpc::ProviderAddress address) {
  Client client(shard, address);
  const StreamShape shape;
  client.context.results = &shape;
  const auto start = SteadyClock::now();
  wrpc::Values results = co_await client.call("flood", {});
  const auto source = results.take({0});
  std::size_t received = 0;
  for (;;) {
    auto piece = co_await source->read();
    if (!piece) die(piece.error());
    if (!*piece) break;
    received += (*piece)->size();
  }
  const std::chrono::duration<double> took = SteadyClock::now() - start;
  if (received < kFloodBytes) die(Error(ErrorCode::kProtocol, "the stream ended early"));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("mib_per_s %.1f max_rss_kib %ld\n", kFloodBytes / 1048576.0 / took.count(),
              usage.ru_maxrss);
}

int run(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  const auto address = wrpc::ProviderAddress::parse(argc > 2 ? argv[2] : "");
  if (!address) die(address.error());
  auto shards = net::ShardGroup::start(1);
  if (!shards) die(shards.error());
  if (mode == "serve") {
    serve(**shards, *address);
  } else if (mode == "call" && argc == 5) {
    (*shards)->runTask(0, [&](net::Shard& shard) {
      return measureCalls(shard, *address, std::atoi(argv[3]),
                          static_cast<std::size_t>(std::atoll(argv[4])));
    });
  } else if (mode == "stream") {
    (*shards)->runTask(0, [&](net::Shard& shard) { return measureStream(shard, *address); });
  } else {
    std::fprintf(stderr, "usage: wrpc_peer serve|call|stream ADDRESS [CALLS BYTES]\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace nimbus::bench

int main(int argc, char** argv) { return nimbus::bench::run(argc, argv); }
