// One end of the measurements of bench/wrpc_nats.py.
//
//   nats_peer serve URL PREFIX               the service, until standard input ends
//   nats_peer call URL PREFIX CALLS BYTES    calls its echo one after the other
//
// Calls print time and CPU per call.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/log.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "peer.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_server.h"
#include "wrpc_service.h"

namespace nimbus::bench {
namespace {

struct Call {
  std::string_view instance;
  std::string_view function;
  const wrpc::TupleShape& results;
};

class Client {
 public:
  Client(net::Shard& shard, const std::shared_ptr<nats::Connection>& connection, std::string prefix)
      : invoker_(wrpc::makeNatsInvoker(connection, {.prefix = std::move(prefix)})),
        session_(invoker_->open(shard, consumer_)) {}

  Task<void> call(Call what, ByteChain parameters) {
    const wrpc::CallContext context{
        .consumer = *consumer_, .deadline = {}, .trace_parent = {}, .results = &what.results};
    wrpc::Values values;
    values.bytes = std::move(parameters);
    auto results = co_await session_->invoke(
        context, *invoker_->resolve({what.instance, what.function}), std::move(values));
    if (!results) die(results.error());
  }

 private:
  std::shared_ptr<const wrpc::Consumer> consumer_ = std::make_shared<wrpc::Consumer>();
  std::shared_ptr<wrpc::Invoker> invoker_;
  std::unique_ptr<wrpc::Session> session_;
};

Task<void> measure(Client& client, Call what, ByteChain parameters, int calls) {
  for (int i = 0; i < calls / 10; ++i) co_await client.call(what, parameters.share());
  const double cpu = cpuMicroseconds();
  const auto start = SteadyClock::now();
  for (int i = 0; i < calls; ++i) co_await client.call(what, parameters.share());
  const std::chrono::duration<double, std::micro> took = SteadyClock::now() - start;
  std::printf("us_per_call %.3f cpu_us_per_call %.3f\n", took.count() / calls,
              (cpuMicroseconds() - cpu) / calls);
}

Task<std::shared_ptr<nats::Connection>> connect(net::Shard& shard, std::string url, Logger& log) {
  auto connection = co_await nats::Connection::connect(shard, {.servers = {std::move(url)}}, log);
  if (!connection) die(connection.error());
  co_return std::move(*connection);
}

Task<void> callEcho(net::Shard& shard, char** words, Logger& log) {
  const auto connection = co_await connect(shard, words[0], log);
  const ListShape shape;
  {
    Client client(shard, connection, words[1]);
    const Bytes bytes = Bytes::take(std::string(std::strtoul(words[3], nullptr, 10), 'x'));
    co_await measure(client, {kServiceInstance, "echo", shape}, encodeList(bytes),
                     std::atoi(words[2]));
  }
  co_await connection->close();
}

void serve(net::ShardGroup& shards, char** words, Logger& log) {
  std::shared_ptr<nats::Connection> connection;
  std::unique_ptr<wrpc::NatsServer> server;
  shards.runTask(0, [&](net::Shard& shard) -> Task<void> {
    connection = co_await connect(shard, words[0], log);
    auto made =
        co_await wrpc::makeNatsServer(shard, connection, std::make_shared<ServiceInvoker>(),
                                      {.prefix = words[1],
                                       .queue_group = words[1],
                                       .functions = {{std::string(kServiceInstance), "echo"}}},
                                      log);
    if (!made) die(made.error());
    server = std::move(*made);
  });
  std::puts("serving");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  shards.runTask(0, [&](net::Shard&) -> Task<void> {
    server = nullptr;
    co_await connection->close();
  });
}

int run(int argc, char** argv) {
  const std::string mode = argc > 3 ? argv[1] : "";
  auto shards = net::ShardGroup::start(1);
  if (!shards) die(shards.error());
  const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  if (mode == "serve" && argc == 4) {
    serve(**shards, argv + 2, *log);
  } else if (mode == "call" && argc == 6) {
    (*shards)->runTask(0, [&](net::Shard& shard) { return callEcho(shard, argv + 2, *log); });
  } else {
    std::fprintf(stderr, "usage: nats_peer serve URL PREFIX | call URL PREFIX CALLS BYTES\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace nimbus::bench

int main(int argc, char** argv) { return nimbus::bench::run(argc, argv); }
