// Our side of the tests with foreign providers and clients of key-value:
//
//   keyvalue_peer conform ADDRESS          runs the conformance suite against a provider
//   keyvalue_peer serve NATS_URL PREFIX    serves a store in memory until standard input ends
//
// An address is as in a manifest: unix:…, tcp:…, nats://…/prefix.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "base/log.h"
#include "base/text.h"
#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/keyvalue.h"
#include "capability/keyvalue/memory_store.h"
#include "capability/keyvalue/remote_keyspace.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "wrpc/address.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_server.h"

namespace nimbus::interop {
namespace {

using Address = wrpc::ProviderAddress;

Address given_address;

Task<std::shared_ptr<nats::Connection>> connectTo(net::Shard& shard, std::string servers,
                                                  Logger& log) {
  nats::ConnectOptions options;
  options.servers.clear();
  for (const std::string_view server : split(servers, ',')) options.servers.emplace_back(server);
  auto connection = co_await nats::Connection::connect(shard, std::move(options), log);
  if (!connection) {
    std::fprintf(stderr, "keyvalue_peer: %s\n", connection.error().describe().c_str());
    std::exit(1);
  }
  co_return std::move(*connection);
}

Task<void> conform(std::shared_ptr<wrpc::Invoker> provider) {
  const auto keyspace = keyvalue::remoteKeyspace(
      std::move(provider), std::make_shared<const wrpc::Consumer>(), {.bucket_prefix = {}});
  for (const keyvalue::Conformance::Case& what : keyvalue::Conformance::cases()) {
    SCOPED_TRACE(what.name);
    co_await keyvalue::Conformance::run(*keyspace, what);
  }
}

TEST(ProviderTest, Conforms) {
  auto shards = net::ShardGroup::start(1);
  ASSERT_TRUE(shards);
  const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  (*shards)->runTask(0, [&](net::Shard& shard) -> Task<void> {
    if (given_address.transport != Address::Transport::kNats) {
      auto provider = wrpc::makeFramedInvoker(given_address);
      EXPECT_TRUE(provider);
      if (provider) co_await conform(std::move(*provider));
      co_return;
    }
    auto connection = co_await connectTo(shard, given_address.nats_servers, *log);
    co_await conform(wrpc::makeNatsInvoker(connection, {.prefix = given_address.nats_prefix}));
    co_await connection->close();
  });
}

std::vector<std::pair<std::string, std::string>> flatFunctions() {
  std::vector<std::pair<std::string, std::string>> functions;
  const auto add = [&](const char* interface, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      functions.emplace_back(std::string("wrpc:keyvalue/") + interface + "@0.2.0-draft", name);
    }
  };
  add("store", {"get", "set", "delete", "exists", "list-keys"});
  add("atomics", {"increment"});
  add("batch", {"get-many", "set-many", "delete-many"});
  return functions;
}

int serve(const std::string& url, const std::string& prefix) {
  auto shards = net::ShardGroup::start(1);
  if (!shards) return 1;
  const auto log = makeStderrLogger(LogLevel::kInfo, LogFormat::kText);
  keyvalue::MemoryStore store({});
  std::shared_ptr<nats::Connection> connection;
  std::unique_ptr<wrpc::NatsServer> server;
  (*shards)->runTask(0, [&](net::Shard& shard) -> Task<void> {
    connection = co_await connectTo(shard, url, *log);
    auto made = co_await wrpc::makeNatsServer(
        shard, connection, keyvalue::serveKeyValue(store.keyspace("interop")),
        {.prefix = prefix, .queue_group = prefix, .functions = flatFunctions()}, *log);
    if (!made) {
      std::fprintf(stderr, "keyvalue_peer: %s\n", made.error().describe().c_str());
      std::exit(1);
    }
    server = std::move(*made);
  });
  std::puts("serving");
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
  (*shards)->runTask(0, [&](net::Shard&) -> Task<void> {
    co_await server->drain(std::chrono::seconds(1));
    server = nullptr;
    co_await connection->close();
  });
  return 0;
}

int run(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc == 4) return serve(argv[2], argv[3]);
  if (mode != "conform" || argc != 3) {
    std::fputs("usage: keyvalue_peer conform ADDRESS | serve NATS_URL PREFIX\n", stderr);
    return 2;
  }
  const auto address = Address::parse(argv[2]);
  if (!address) {
    std::fprintf(stderr, "keyvalue_peer: %s\n", address.error().describe().c_str());
    return 2;
  }
  given_address = *address;
  testing::InitGoogleTest();
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace nimbus::interop

int main(int argc, char** argv) { return nimbus::interop::run(argc, argv); }
