// nimbus_keyvalue_conformance ADDRESS [FORM]: the conformance cases against a provider that runs at
// an address, by its flat form ("flat"), the one with handles ("handles"), or whichever it answers
// to. Each case uses a bucket of its own, which must be empty.

#include <gtest/gtest.h>

#include <cstdio>

#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/remote/remote_keyspace.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"

namespace nimbus::keyvalue {
namespace {

// The provider, and the way to it.
struct Reached {
  std::shared_ptr<nats::Connection> connection;  // if it is reached over NATS
  std::shared_ptr<wrpc::Invoker> invoker;
};

Task<Result<Reached>> reach(net::Shard& shard, std::string text, Logger& log) {
  CO_TRY(const auto address, wrpc::ProviderAddress::parse(text));
  if (address.transport != wrpc::ProviderAddress::Transport::kNats) {
    CO_TRY(auto invoker, wrpc::makeFramedInvoker(address));
    co_return Reached{nullptr, std::move(invoker)};
  }
  nats::ConnectOptions options;
  options.servers = {address.nats_servers};
  CO_TRY(auto connection, co_await nats::Connection::connect(shard, std::move(options), log));
  auto invoker = wrpc::makeNatsInvoker(connection, {.prefix = address.nats_prefix});
  co_return Reached{std::move(connection), std::move(invoker)};
}

class ConformanceTest : public ::testing::Test {
 public:
  ConformanceTest(net::ShardGroup& shards, Keyspace& keyspace, Conformance::Case what)
      : shards_(shards), keyspace_(keyspace), what_(what) {}
  void TestBody() override {
    shards_.runTask(0, [this](net::Shard&) { return Conformance::run(keyspace_, what_); });
  }

 private:
  net::ShardGroup& shards_;
  Keyspace& keyspace_;
  const Conformance::Case what_;
};

int runCases(net::ShardGroup& shards, const Reached& reached, std::string_view form) {
  std::shared_ptr<wrpc::Invoker> invoker = reached.invoker;
  if (!form.empty())
    invoker = std::make_shared<OnlyPackage>(invoker, form == "flat" ? "wrpc:" : "wasi:");
  const std::string suite = form.empty() ? "any" : std::string(form);
  const auto keyspace = remoteKeyspace(invoker, std::make_shared<const wrpc::Consumer>(),
                                       {.bucket_prefix = suite + "-"});
  for (const Conformance::Case& what : Conformance::cases()) {
    ::testing::RegisterTest(suite.c_str(), what.name, nullptr, nullptr, __FILE__, __LINE__,
                            [&shards, &keyspace, what]() -> ::testing::Test* {
                              return new ConformanceTest(shards, *keyspace, what);
                            });
  }
  return RUN_ALL_TESTS();
}

int run(std::string_view address, std::string_view form) {
  const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  auto shards = net::ShardGroup::start(1);
  if (!shards) return 2;
  Result<Reached> reached = Reached();
  (*shards)->runTask(0, [&](net::Shard& shard) -> Task<void> {
    reached = co_await reach(shard, std::string(address), *log);
  });
  if (!reached) {
    std::fprintf(stderr, "%s\n", reached.error().describe().c_str());
    return 2;
  }
  const int status = runCases(**shards, *reached, form);
  (*shards)->runTask(0, [&](net::Shard&) -> Task<void> {
    reached->invoker.reset();
    if (reached->connection) co_await reached->connection->close();
    reached->connection.reset();
  });
  return status;
}

}  // namespace
}  // namespace nimbus::keyvalue

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s ADDRESS [flat|handles]\n", argv[0]);
    return 2;
  }
  return nimbus::keyvalue::run(argv[1], argc == 3 ? argv[2] : "");
}
