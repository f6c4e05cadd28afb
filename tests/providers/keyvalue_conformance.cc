// nimbus_keyvalue_conformance ADDRESS [FORM]: the conformance cases against a provider that runs at
// an address, by its flat form ("flat"), the one with handles ("handles"), or whichever it answers
// to. Each case uses a bucket of its own, which must be empty.

#include <gtest/gtest.h>

#include <cstdio>

#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/remote_keyspace.h"
#include "net/shard.h"
#include "wrpc/framed_client.h"

namespace nimbus::keyvalue {
namespace {

Result<std::shared_ptr<wrpc::Invoker>> providerAt(std::string_view text, std::string_view form) {
  TRY(const auto address, wrpc::ProviderAddress::parse(text));
  TRY(auto invoker, wrpc::makeFramedInvoker(address));
  if (form.empty()) return invoker;
  const std::string package = form == "flat" ? "wrpc:" : "wasi:";
  return std::make_shared<OnlyPackage>(std::move(invoker), package);
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

int run(std::string_view address, std::string_view form) {
  auto shards = net::ShardGroup::start(1);
  auto provider = providerAt(address, form);
  if (!shards || !provider) {
    std::fprintf(stderr, "%s\n", (!shards ? shards.error() : provider.error()).describe().c_str());
    return 2;
  }
  const std::string suite = form.empty() ? "any" : std::string(form);
  const auto keyspace =
      remoteKeyspace(*std::move(provider), std::make_shared<const wrpc::Consumer>(),
                     {.bucket_prefix = suite + "-"});
  for (const Conformance::Case& what : Conformance::cases()) {
    ::testing::RegisterTest(suite.c_str(), what.name, nullptr, nullptr, __FILE__, __LINE__,
                            [&shards, &keyspace, what]() -> ::testing::Test* {
                              return new ConformanceTest(**shards, *keyspace, what);
                            });
  }
  return RUN_ALL_TESTS();
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
