#include "host/calls/shared_instance.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "host/test_support.h"

namespace nimbus::host {
namespace {

using Results = Result<wrpc::Values>;
using Events = std::vector<std::string>;

// Answers function 0 at once and others when the test says so, and writes down what happens.
class FakeSession final : public engine::ExchangeSession {
 public:
  explicit FakeSession(Events& events) : events_(events) {}

  Eventual<Results> invoke(const wrpc::CallContext&, wrpc::FunctionId, wrpc::Values) override {
    ADD_FAILURE() << "a call of nobody";
    return Results(wrpc::Values());
  }
  Eventual<Results> invokeFor(std::uint32_t owner, const wrpc::CallContext& context,
                              wrpc::FunctionId function, wrpc::Values /*params*/) override {
    events_.push_back(fmt::format("{} calls {}", owner, function.value));
    if (context.deadline) events_.emplace_back("deadline");
    if (function.value == 0) return Results(wrpc::Values());
    return answer(function.value);
  }
  void disown(std::uint32_t owner) override { events_.push_back(fmt::format("disown {}", owner)); }
  Result<void> submit(engine::Exchange&) override { return {}; }
  [[nodiscard]] bool lives() const override { return true; }
  void drop(ByteView handle) override { events_.push_back("drop " + std::string(asText(handle))); }
  [[nodiscard]] bool owns(ByteView handle) const override { return asText(handle) == "known"; }

  void letAnswer(std::uint64_t function) { gates_[function].set(); }

 private:
  struct UnderWay {
    Events& events;
    bool ended = false;
    ~UnderWay() {
      if (!ended) events.emplace_back("given up");
    }
  };
  Task<Results> answer(std::uint64_t function) {
    UnderWay call{events_};
    co_await gates_[function].wait();
    call.ended = true;
    co_return wrpc::Values();
  }

  Events& events_;
  std::map<std::uint64_t, Event> gates_;
};

class SharedInstanceTest : public ShardTest {
 protected:
  using Body = std::function<Task<void>(net::Shard&, std::unique_ptr<SharedInstance>&)>;
  void withInstance(Body body) {
    run([&](net::Shard& shard) -> Task<void> {
      auto session = std::make_unique<FakeSession>(events_);
      session_ = session.get();
      auto shared = std::make_unique<SharedInstance>(shard, std::move(session));
      co_await body(shard, shared);
    });
  }
  Eventual<Results> call(SharedInstance& shared, const std::shared_ptr<SharedInstance::Caller>& by,
                         std::uint64_t function) {
    const wrpc::CallContext context{consumer_, TimePoint{}, {}};
    return shared.invoke(by, context, wrpc::FunctionId{function}, {});
  }
  Events takeEvents() { return std::exchange(events_, {}); }

  const wrpc::Consumer consumer_{};
  Events events_;
  FakeSession* session_ = nullptr;
};

TEST_F(SharedInstanceTest, EachCallerHasItsOwnNumberAndTakesItsResourcesAlong) {
  withInstance([&](net::Shard&, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    const auto first = shared->join();
    const auto second = shared->join();
    EXPECT_TRUE(call(*shared, first, 0).ready());
    EXPECT_TRUE(call(*shared, second, 0).ready());
    EXPECT_EQ(takeEvents(), (Events{"1 calls 0", "2 calls 0"})) << "and no caller's deadline";
    EXPECT_TRUE(shared->owns(asBytes("known")));
    shared->drop(asBytes("known"));
    shared->leave(*first);
    EXPECT_EQ(takeEvents(), (Events{"drop known", "disown 1"}));
    shared->leave(*second);
    EXPECT_EQ(takeEvents(), Events{"disown 2"});
    co_return;
  });
}

TEST_F(SharedInstanceTest, ACallGoesOnWhenItsCallerIsGone) {
  withInstance([&](net::Shard& shard, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    const auto caller = shared->join();
    {
      const auto given_up = call(*shared, caller, 1);
    }
    shared->leave(*caller);
    co_await settle(shard);
    EXPECT_EQ(takeEvents(), (Events{"1 calls 1", "disown 1"}));
    EXPECT_FALSE(shared->unused().isSet());
    session_->letAnswer(1);
    co_await settle(shard);
    EXPECT_EQ(takeEvents(), Events{"disown 1"}) << "what it returned";
    EXPECT_TRUE(shared->unused().isSet());
  });
}

TEST_F(SharedInstanceTest, IsUsedAsLongAsSomebodyMayCall) {
  withInstance([&](net::Shard& shard, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    EXPECT_TRUE(shared->unused().isSet());
    const auto caller = shared->join();
    auto answer = call(*shared, caller, 1);
    session_->letAnswer(1);
    EXPECT_TRUE(co_await std::move(answer));
    co_await settle(shard);
    EXPECT_FALSE(shared->unused().isSet());
    shared->leave(*caller);
    co_await shared->unused().wait();
    shared.reset();  // as whoever waited for that does
    EXPECT_EQ(takeEvents(), (Events{"1 calls 1", "disown 1"}));
  });
}

TEST_F(SharedInstanceTest, WhatIsUnderWayFailsWithIt) {
  withInstance([&](net::Shard&, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    const auto caller = shared->join();
    auto answer = call(*shared, caller, 1);
    shared.reset();
    EXPECT_EQ(takeEvents(), (Events{"1 calls 1", "given up"}));
    const Results failed = co_await std::move(answer);
    EXPECT_FALSE(failed);
    if (!failed) EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  });
}

}  // namespace
}  // namespace nimbus::host
