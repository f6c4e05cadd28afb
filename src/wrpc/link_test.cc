#include "wrpc/link.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/sync.h"
#include "net/test_support.h"
#include "wrpc/encoder.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;

// Answers every call with its own name, at once or when it is told to. Its sessions own the handles
// named after it.
class NamedInvoker final : public Invoker {
 public:
  explicit NamedInvoker(std::string name) : name_(std::move(name)) {}

  Result<FunctionId> resolve(const FunctionName& name) override {
    if (name.function == "missing") return fail(ErrorCode::kNotFound, "no such function");
    resolved_ += 1;
    return FunctionId{name.function == "slow" ? 1u : 0u};
  }
  std::unique_ptr<Session> open(Shard&, std::shared_ptr<const Consumer>) override {
    opened_ += 1;
    open_ += 1;
    return std::make_unique<NamedSession>(*this);
  }

  void answerSlowCalls() { answer_.set(); }
  void setInUse(bool in_use) { in_use_ = in_use; }
  void letRenew() { renews_ = true; }
  [[nodiscard]] int opened() const { return opened_; }
  [[nodiscard]] int open() const { return open_; }
  [[nodiscard]] int resolved() const { return resolved_; }
  [[nodiscard]] const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  class NamedSession final : public Session {
   public:
    explicit NamedSession(NamedInvoker& invoker) : invoker_(invoker) {}
    ~NamedSession() override { invoker_.open_ -= 1; }
    Eventual<Result<Values>> invoke(const CallContext&, FunctionId function, Values) override {
      if (function.value == 1) return slowly();
      return answer();
    }
    void drop(ByteView handle) override { invoker_.dropped_.emplace_back(asText(handle)); }
    [[nodiscard]] bool owns(ByteView handle) const override {
      return asText(handle) == invoker_.name_;
    }
    [[nodiscard]] bool inUse() const override { return invoker_.in_use_; }
    [[nodiscard]] bool renew() override { return invoker_.renews_; }

   private:
    [[nodiscard]] Result<Values> answer() const {
      Values values;
      values.bytes.append(asBytes(invoker_.name_));
      return values;
    }
    Task<Result<Values>> slowly() {
      co_await invoker_.answer_.wait();
      co_return answer();
    }
    NamedInvoker& invoker_;
  };

  std::string name_;
  Event answer_;
  bool in_use_ = false;
  bool renews_ = false;
  int opened_ = 0;
  int open_ = 0;
  int resolved_ = 0;
  std::vector<std::string> dropped_;
};

class LinkTest : public net::ShardTest {
 protected:
  static Task<std::string> call(Session& session, FunctionId function,
                                std::string_view params = "") {
    const Consumer nobody;
    Values values;
    values.bytes.append(asBytes(params));
    auto results = co_await session.invoke({.consumer = nobody, .deadline = {}, .trace_parent = {}},
                                           function, std::move(values));
    if (!results) co_return std::string(errorCodeName(results.error().code()));
    co_return std::string(asText(results->bytes.flatten()));
  }
  static Task<void> callInto(Session& session, FunctionId function, std::string& answer) {
    answer = co_await call(session, function);
  }

  std::shared_ptr<NamedInvoker> first_ = std::make_shared<NamedInvoker>("first");
  std::shared_ptr<NamedInvoker> second_ = std::make_shared<NamedInvoker>("other");
  std::shared_ptr<const Consumer> consumer_ = std::make_shared<Consumer>();
};

TEST_F(LinkTest, CallsTheNewTargetAfterASwap) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    EXPECT_EQ(co_await call(*session, get), "first");
    link.swap(second_);
    EXPECT_EQ(co_await call(*session, get), "other");
    EXPECT_EQ(first_->open(), 0) << "nothing of it was in use";
  });
}

TEST_F(LinkTest, EncodesAnAnswerWhereTheCallerWantsIt) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const CallContext context{.consumer = *consumer_, .deadline = {}, .trace_parent = {}};
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const FunctionId slow = *link.resolve({"a:b/c", "slow"});
    const auto session = link.open(shard, consumer_);
    Encoder out;
    EXPECT_FALSE(session->invokeInto(context, get, {}, out));
    EXPECT_EQ(std::move(out).finish()->bytes.toBytes().text(), "first");
    link.swap(second_);
    EXPECT_FALSE(session->invokeInto(context, get, {}, out));
    EXPECT_EQ(std::move(out).finish()->bytes.toBytes().text(), "other");

    auto waiting = session->invokeInto(context, slow, {}, out);
    EXPECT_TRUE(waiting.has_value());
    second_->answerSlowCalls();
    if (waiting) EXPECT_EQ((co_await *std::move(waiting))->bytes.toBytes().text(), "other");

    link.swap(nullptr);
    EXPECT_FALSE(session->invokeInto(context, get, {}, out));
    EXPECT_EQ(std::move(out).finish().error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(LinkTest, ResolvesAFunctionOncePerGeneration) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    const int before = first_->resolved();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(co_await call(*session, get), "first");
    EXPECT_EQ(first_->resolved(), before + 1);
    EXPECT_EQ(first_->opened(), 1);
  });
}

TEST_F(LinkTest, LetsCallsInFlightEndWhereTheyBegan) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId slow = *link.resolve({"a:b/c", "slow"});
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    std::string answer;
    TaskSet tasks;
    first_->setInUse(true);
    tasks.spawn(callInto(*session, slow, answer));
    link.swap(second_);
    EXPECT_EQ(co_await call(*session, get), "other");
    EXPECT_EQ(first_->open(), 1);
    first_->answerSlowCalls();
    first_->setInUse(false);
    co_await tasks.empty();
    EXPECT_EQ(answer, "first");
    EXPECT_EQ(co_await call(*session, get), "other");
    EXPECT_EQ(first_->open(), 0);
  });
}

TEST_F(LinkTest, SendsAHandleWhereItCameFrom) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId get = *link.resolve({"a:b/c", "bucket.get"});
    const auto session = link.open(shard, consumer_);
    EXPECT_EQ(co_await call(*session, get), "first");
    first_->setInUse(true);
    link.swap(second_);
    EXPECT_EQ(co_await call(*session, get, "\5first and more"), "first");
    EXPECT_EQ(co_await call(*session, get, "\5other"), "other");
    EXPECT_EQ(co_await call(*session, get, "\5fi"), "other") << "not a whole handle";
    session->drop(asBytes("first"));
    EXPECT_EQ(first_->dropped(), std::vector<std::string>{"first"});
    first_->setInUse(false);
    session->drop(asBytes("x"));
    EXPECT_EQ(first_->open(), 0);
  });
}

TEST_F(LinkTest, LetsAnIdleConsumerGoOfTheOldTarget) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    (void)co_await call(*session, get);
    const std::weak_ptr<NamedInvoker> watched = first_;
    first_.reset();
    link.swap(second_);
    EXPECT_FALSE(watched.expired());
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_TRUE(watched.expired()) << "the session did not call, and needs not";
  });
}

TEST_F(LinkTest, IsAsNewWhereAllItsTargetsAre) {
  run([this](Shard& shard) -> Task<void> {
    Link link(first_);
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    EXPECT_TRUE(session->renew()) << "nothing was called";
    (void)co_await call(*session, get);
    EXPECT_FALSE(session->renew());
    first_->letRenew();
    EXPECT_TRUE(session->renew());
    first_->setInUse(true);
    link.swap(second_);
    (void)co_await call(*session, get);
    EXPECT_FALSE(session->renew());
    second_->letRenew();
    first_->setInUse(false);
    EXPECT_TRUE(session->renew());
    EXPECT_EQ(first_->open(), 0) << "the old target's is let go of";
    EXPECT_EQ(second_->open(), 1);
  });
}

TEST_F(LinkTest, FailsCallsWhileNothingIsLinked) {
  run([this](Shard& shard) -> Task<void> {
    Link link(nullptr);
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    const auto session = link.open(shard, consumer_);
    EXPECT_EQ(co_await call(*session, get), errorCodeName(ErrorCode::kUnavailable));
    link.swap(first_);
    EXPECT_EQ(co_await call(*session, get), "first");
    link.swap(nullptr);
    EXPECT_EQ(co_await call(*session, get), errorCodeName(ErrorCode::kUnavailable));
  });
}

TEST_F(LinkTest, SaysAtOnceWhatTheTargetDoesNotServe) {
  Link link(first_);
  EXPECT_EQ(link.resolve({"a:b/c", "missing"}).error().code(), ErrorCode::kNotFound);
}

TEST_F(LinkTest, FailsOnlyTheCallsThatANewTargetDoesNotServe) {
  run([this](Shard& shard) -> Task<void> {
    Link link(nullptr);
    const FunctionId missing = *link.resolve({"a:b/c", "missing"});
    const FunctionId get = *link.resolve({"a:b/c", "get"});
    link.swap(first_);
    const auto session = link.open(shard, consumer_);
    EXPECT_EQ(co_await call(*session, missing), errorCodeName(ErrorCode::kNotFound));
    EXPECT_EQ(co_await call(*session, get), "first");
  });
}

}  // namespace
}  // namespace nimbus::wrpc
