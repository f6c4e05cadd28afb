// What completes at once costs no task: a generated client, a link and a generated handler in one
// process take no memory for a call, so they make no coroutine frame either, and the answer is
// there when the call returns, with no turn of the shard's loop in between.

#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "net/test_support.h"
#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/store.h"
#include "wrpc/link.h"

namespace {

// Of this thread.
thread_local int allocations = 0;

}  // namespace

// Arrays and what does not throw are made of these. A frame with a greater alignment than that of
// malloc() would be of others: there is none. TSan has its own, and then nothing is counted.
#if __has_feature(thread_sanitizer)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;

static void* allocate(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

void* operator new(std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif

namespace nimbus {
namespace {

namespace atomics = ::bindings::wasi::keyvalue::atomics;
namespace store = ::bindings::wasi::keyvalue::store;
using wrpc::CallContext;

template <typename T>
using Answer = wrpc::Answer<std::expected<T, store::Error>>;

constexpr std::string_view kKey = "a key of some twenty bytes";

// Answers at once but for the key "later".
class OneValueBucket final : public store::Bucket {
 public:
  Answer<std::optional<Bytes>> get(const CallContext&, std::string_view) override {
    return std::optional<Bytes>(Bytes::ofStatic("a value"));
  }
  Answer<void> set(const CallContext&, std::string_view, Bytes) override {
    return std::expected<void, store::Error>();
  }
  Answer<void> delete_(const CallContext&, std::string_view) override {
    return std::expected<void, store::Error>();
  }
  Answer<bool> exists(const CallContext&, std::string_view key) override {
    if (key == "later") return answerLater();
    return true;
  }
  Answer<store::KeyResponse> listKeys(const CallContext&, std::optional<std::uint64_t>) override {
    return store::KeyResponse();
  }

 private:
  static Answer<bool> answerLater() { co_return false; }
};

class OneBucketStore final : public store::Handler {
 public:
  Answer<wrpc::Own<store::Bucket>> open(const CallContext&, std::string_view) override {
    return std::make_unique<OneValueBucket>();
  }
};

class Counter final : public atomics::Handler {
 public:
  Answer<std::uint64_t> increment(const CallContext&, store::Bucket&, std::string_view,
                                  std::uint64_t delta) override {
    return sum_ += delta;
  }

 private:
  std::uint64_t sum_ = 0;
};

std::shared_ptr<wrpc::Invoker> handlers() {
  return std::make_shared<wrpc::ServiceInvoker>(
      std::vector{store::serve(std::make_shared<OneBucketStore>()),
                  atomics::serve(std::make_shared<Counter>())});
}

// What a caller has of handlers in this process that it calls by a link.
struct Linked {
  explicit Linked(net::Shard& shard) : session(link.open(shard, consumer)) {}

  const std::shared_ptr<const wrpc::Consumer> consumer = std::make_shared<wrpc::Consumer>();
  const CallContext context{*consumer, std::nullopt, {}};
  wrpc::Link link{handlers()};
  const std::unique_ptr<wrpc::Session> session;
  const std::shared_ptr<wrpc::ClientSpace> space =
      std::make_shared<wrpc::ClientSpace>(link, *session);
  const std::unique_ptr<atomics::Client> counter = atomics::Client::connect(space).value();
  const std::unique_ptr<store::Client> stores = store::Client::connect(space).value();
  const std::unique_ptr<store::Bucket> bucket =
      stores->open(context, "default").take().value().value();
};

class CompletesAtOnce : public net::ShardTest {
 protected:
  // How often each call of a bucket in this process takes memory; `call` says whether it had its
  // answer at once.
  template <typename Call>
  void expectAllocations(int per_call, Call call) {
    run([=](net::Shard& shard) -> Task<void> {
      const Linked keyvalue(shard);
      // What is kept for all calls is made here.
      EXPECT_TRUE(call(keyvalue.context, *keyvalue.bucket, *keyvalue.counter));
      const int before = allocations;
      for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(call(keyvalue.context, *keyvalue.bucket, *keyvalue.counter));
      if (kCounts) EXPECT_EQ(allocations - before, 100 * per_call);
      co_return;
    });
  }
};

TEST_F(CompletesAtOnce, AFunctionOfAResource) {
  expectAllocations(0, [](const CallContext& context, store::Bucket& bucket, atomics::Client&) {
    auto answer = bucket.exists(context, kKey);
    return answer.ready() && answer.take().value().value();
  });
}

TEST_F(CompletesAtOnce, AFunctionThatBorrowsAResource) {
  expectAllocations(
      0, [](const CallContext& context, store::Bucket& bucket, atomics::Client& counter) {
        auto answer = counter.increment(context, bucket, kKey, 1);
        return answer.ready() && answer.take().value().value() > 0;
      });
}

// The memory is that of the bytes, which the handler may keep.
TEST_F(CompletesAtOnce, AFunctionThatIsGivenBytes) {
  expectAllocations(1, [](const CallContext& context, store::Bucket& bucket, atomics::Client&) {
    auto answer = bucket.set(context, kKey, Bytes::ofStatic("another value"));
    return answer.ready() && answer.take().value().has_value();
  });
}

// As guests call: parameters and results in memory of the caller.
TEST_F(CompletesAtOnce, ACallIntoMemoryOfTheCaller) {
  run([](net::Shard& shard) -> Task<void> {
    Linked keyvalue(shard);
    const auto get =
        keyvalue.link.resolve({"wasi:keyvalue/store@0.2.0-draft", "bucket.get"}).value();
    wrpc::Encoder params;
    params.handle(asBytes(keyvalue.bucket->remoteHandle()->bytes));
    params.text("key");
    const auto call = [&](ByteView given, wrpc::Encoder& results) {
      results.clear();
      return keyvalue.session->invokeInto(keyvalue.context, get, given, results).has_value();
    };

    wrpc::Encoder results;
    EXPECT_FALSE(call(*params.few(), results));
    const int before = allocations;
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(call(*params.few(), results));
    EXPECT_EQ(allocations - before, 0);
    EXPECT_EQ(asText(results.few().value()), std::string_view("\0\1\7a value", 10));

    EXPECT_FALSE(call(params.few()->first(3), results));
    EXPECT_EQ(std::move(results).finish().error().code(), ErrorCode::kProtocol);
    co_return;
  });
}

TEST_F(CompletesAtOnce, NotACallIntoMemoryOfTheCallerThatHasToWait) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {store::serve(std::make_shared<OneBucketStore>())});
    wrpc::Session& session = local.session();
    const CallContext& context = local.context();
    const auto bucket =
        local.connect<store::Client>()->open(context, "default").take().value().value();
    const auto exists =
        local.invoker().resolve({"wasi:keyvalue/store@0.2.0-draft", "bucket.exists"});
    wrpc::Encoder params;
    params.handle(asBytes(bucket->remoteHandle()->bytes));
    params.text("later");
    wrpc::Encoder results;
    auto waiting = session.invokeInto(context, *exists, *params.few(), results);
    EXPECT_TRUE(waiting.has_value());
    EXPECT_TRUE(session.inUse());
    // Others are served meanwhile, with the memory that this one did not need.
    wrpc::Encoder other;
    other.handle(asBytes(bucket->remoteHandle()->bytes));
    other.text("now");
    EXPECT_FALSE(session.invokeInto(context, *exists, *other.few(), results));
    EXPECT_EQ(asText(results.few().value()), std::string_view("\0\1", 2));
    if (waiting) {
      auto answer = co_await *std::exchange(waiting, std::nullopt);
      EXPECT_EQ(answer->bytes.toBytes().text(), std::string_view("\0\0", 2));
    }
  });
}

// The same count sees a task where there is one.
TEST_F(CompletesAtOnce, NotWhatAnswersByATask) {
  run([](net::Shard& shard) -> Task<void> {
    Linked keyvalue(shard);
    const int before = allocations;
    auto answer = keyvalue.bucket->exists(keyvalue.context, "later");
    EXPECT_FALSE(answer.ready());
    if (kCounts) EXPECT_GT(allocations, before);
    EXPECT_FALSE((co_await std::move(answer)).value().value());
  });
}

}  // namespace
}  // namespace nimbus
