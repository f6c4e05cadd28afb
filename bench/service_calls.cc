// What a call of a generated handler in this process costs besides the handler: `bucket.get` with a
// key and a value of 16 bytes, through a ServiceInvoker. Prints nanoseconds per call.
//
//   service_calls [rounds]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "net/shard.h"
#include "wasi/keyvalue/store.h"
#include "wrpc/client.h"
#include "wrpc/service.h"

namespace {

using namespace nimbus;
namespace store = ::nimbus::contract::wasi::keyvalue::store;

constexpr std::string_view kKey = "0123456789abcdef";
constexpr int kCallsPerRound = 100000;

template <typename T>
using Answer = wrpc::Answer<std::expected<T, store::Error>>;

// Knows one value, whatever the key.
class OneValue final : public store::Bucket {
 public:
  Answer<std::optional<Bytes>> get(const wrpc::CallContext&, std::string_view) override {
    return std::optional<Bytes>(value_);
  }
  Answer<void> set(const wrpc::CallContext&, std::string_view, Bytes value) override {
    value_ = std::move(value);
    return std::expected<void, store::Error>();
  }
  Answer<void> delete_(const wrpc::CallContext&, std::string_view) override {
    return std::expected<void, store::Error>();
  }
  Answer<bool> exists(const wrpc::CallContext&, std::string_view) override { return true; }
  Answer<store::KeyResponse> listKeys(const wrpc::CallContext&,
                                      std::optional<std::uint64_t>) override {
    return store::KeyResponse();
  }

 private:
  Bytes value_ = Bytes::copyOf(kKey);
};

class OneStore final : public store::Handler {
 public:
  Answer<wrpc::Own<store::Bucket>> open(const wrpc::CallContext&, std::string_view) override {
    return std::make_unique<OneValue>();
  }
};

// The best of the rounds: what the machine does when nobody disturbs it.
double nanosecondsPerCall(int rounds, auto call) {
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kCallsPerRound; ++i) call();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count() / kCallsPerRound);
  }
  return best;
}

void check(bool right) {
  if (!right) std::abort();
}

void measure(net::Shard& shard, int rounds) {
  const auto consumer = std::make_shared<const wrpc::Consumer>();
  wrpc::ServiceInvoker invoker({store::serve(std::make_shared<OneStore>())});
  const auto session = invoker.open(shard, consumer);
  const wrpc::CallContext context{
      .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  const auto client = store::Client::connect(invoker, *session).value();
  const auto bucket = client->open(context, "").take().value().value();
  const wrpc::FunctionId get =
      invoker.resolve({"wasi:keyvalue/store@0.2.0-draft", "bucket.get"}).value();
  const std::string handle = bucket->remoteHandle()->bytes;

  OneValue alone;
  store::Bucket& handler = alone;
  const double base = nanosecondsPerCall(rounds, [&] {
    check(handler.get(context, kKey).take().value().value()->size() == kKey.size());
  });
  const double served = nanosecondsPerCall(rounds, [&] {
    wrpc::Encoder params;
    params.handle(asBytes(handle));
    params.text(kKey);
    auto results = session->invoke(context, get, std::move(params).finish().value());
    check(results.take().value().bytes.size() == kKey.size() + 3);
  });
  const double called = nanosecondsPerCall(rounds, [&] {
    check(bucket->get(context, kKey).take().value().value()->size() == kKey.size());
  });
  std::printf("handler alone            %6.1f ns\n", base);
  std::printf("encode, ServiceInvoker   %6.1f ns\n", served);
  std::printf("generated client, whole  %6.1f ns\n", called);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 50;
  const auto shards = net::ShardGroup::start(1);
  if (!shards || rounds <= 0) return 1;
  (*shards)->runOn(0, [&](net::Shard& shard) { measure(shard, rounds); });
  return 0;
}
