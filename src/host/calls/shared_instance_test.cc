#include "host/calls/shared_instance.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
  Eventual<Results> invokeFor(std::uint64_t owner, const wrpc::CallContext& context,
                              wrpc::FunctionId function, wrpc::Values /*params*/) override {
    events_.push_back(fmt::format("{} calls {}", nameOf(owner), function.value));
    if (context.deadline) events_.emplace_back("deadline");
    if (function.value == 0) return Results(wrpc::Values());
    return answer(function.value);
  }
  void disown(std::uint64_t first, std::uint64_t last) override {
    events_.push_back(first == last ? "disown " + nameOf(first)
                                    : fmt::format("disown all of {}", first >> 32));
  }
  Result<void> submit(engine::Exchange&) override { return {}; }
  [[nodiscard]] bool lives() const override { return true; }
  void drop(ByteView handle) override { events_.push_back("drop " + std::string(asText(handle))); }
  [[nodiscard]] bool owns(ByteView handle) const override { return asText(handle) == "known"; }

  void letAnswer(std::uint64_t function) { gates_[function].set(); }

 private:
  // The second call of the first caller is "1.2".
  static std::string nameOf(std::uint64_t owner) {
    return fmt::format("{}.{}", owner >> 32, owner & UINT32_MAX);
  }
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
  void withInstance(Body body, std::size_t overlapping = 2) {
    run([&](net::Shard& shard) -> Task<void> {
      auto session = std::make_unique<FakeSession>(events_);
      session_ = session.get();
      auto shared = std::make_unique<SharedInstance>(shard, std::move(session), overlapping);
      co_await body(shard, shared);
    });
  }
  Eventual<Results> call(SharedInstance& shared, const std::shared_ptr<SharedInstance::Caller>& by,
                         std::uint64_t function) {
    return shared.invoke(by, context_, wrpc::FunctionId{function}, {});
  }
  Events takeEvents() { return std::exchange(events_, {}); }
  static void expectError(const Results& results, ErrorCode code) {
    ASSERT_FALSE(results);
    EXPECT_EQ(results.error().code(), code);
  }

  const wrpc::Consumer consumer_{};
  const wrpc::CallContext context_{consumer_, TimePoint{}, {}};
  Events events_;
  FakeSession* session_ = nullptr;
};

TEST_F(SharedInstanceTest, EachCallerTakesItsResourcesAlong) {
  withInstance([&](net::Shard&, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    const auto first = shared->join();
    const auto second = shared->join();
    EXPECT_TRUE(call(*shared, first, 0).ready());
    EXPECT_TRUE(call(*shared, second, 0).ready());
    EXPECT_TRUE(call(*shared, first, 0).ready());
    EXPECT_EQ(takeEvents(), (Events{"1.1 calls 0", "2.1 calls 0", "1.2 calls 0"}))
        << "and no caller's deadline";
    EXPECT_TRUE(shared->owns(asBytes("known")));
    shared->drop(asBytes("known"));
    shared->leave(*first);
    EXPECT_EQ(takeEvents(), (Events{"drop known", "disown all of 1"}));
    shared->leave(*second);
    EXPECT_EQ(takeEvents(), Events{"disown all of 2"});
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
    EXPECT_EQ(takeEvents(), (Events{"1.1 calls 1", "disown all of 1"}));
    EXPECT_FALSE(shared->unused().isSet());
    session_->letAnswer(1);
    co_await settle(shard);
    EXPECT_EQ(takeEvents().front(), "disown all of 1") << "what it returned";
    EXPECT_TRUE(shared->unused().isSet());
  });
}

TEST_F(SharedInstanceTest, WhatACallReturnsThatNobodyWaitsForIsDropped) {
  withInstance([&](net::Shard& shard, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
    const auto caller = shared->join();
    auto wanted = call(*shared, caller, 1);
    {
      const auto given_up = call(*shared, caller, 2);
    }
    takeEvents();
    session_->letAnswer(1);
    session_->letAnswer(2);
    EXPECT_TRUE(co_await std::move(wanted));
    co_await settle(shard);
    EXPECT_EQ(takeEvents(), Events{"disown 1.2"});
    shared->leave(*caller);
  });
}

TEST_F(SharedInstanceTest, CallsWaitForTheirTurnAsLongAsTheirCallersDo) {
  const auto one_at_a_time = 1;
  withInstance(
      [&](net::Shard& shard, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
        const auto caller = shared->join();
        auto first = call(*shared, caller, 1);
        auto second = call(*shared, caller, 2);
        TaskSet tasks;
        std::optional<Results> third;
        const auto ask = [](Eventual<Results> answer, std::optional<Results>& into) -> Task<void> {
          into = co_await std::move(answer);
        };
        {
          TaskSet impatient;
          std::optional<Results> never;
          impatient.spawn(ask(std::move(second), never));
          tasks.spawn(ask(call(*shared, caller, 3), third));
          EXPECT_TRUE(shared->inUse());
        }
        EXPECT_EQ(takeEvents(), Events{"1.1 calls 1"});
        session_->letAnswer(1);
        EXPECT_TRUE(co_await std::move(first));
        co_await settle(shard);
        EXPECT_EQ(takeEvents(), Events{"1.2 calls 3"}) << "nobody waits for the second";
        session_->letAnswer(3);
        co_await tasks.empty();
        EXPECT_TRUE(third && third->has_value());
      },
      one_at_a_time);
}

TEST_F(SharedInstanceTest, NotMoreThanSoManyWait) {
  withInstance(
      [&](net::Shard&, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
        const auto caller = shared->join();
        const auto running = call(*shared, caller, 1);
        TaskSet waiting;
        const auto ask = [](Eventual<Results> answer) -> Task<void> {
          (void)co_await std::move(answer);
        };
        for (std::size_t i = 0; i < SharedInstance::kMostWaiting; ++i)
          waiting.spawn(ask(call(*shared, caller, 1)));
        expectError(co_await call(*shared, caller, 1), ErrorCode::kResourceExhausted);
      },
      1);
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
    EXPECT_EQ(takeEvents(), (Events{"1.1 calls 1", "disown all of 1"}));
  });
}

TEST_F(SharedInstanceTest, WhatIsUnderWayOrWaitsFailsWithIt) {
  withInstance(
      [&](net::Shard& shard, std::unique_ptr<SharedInstance>& shared) -> Task<void> {
        const auto caller = shared->join();
        auto answer = call(*shared, caller, 1);
        TaskSet tasks;
        std::optional<Results> late;
        const auto ask = [](Eventual<Results> waiting, std::optional<Results>& into) -> Task<void> {
          into = co_await std::move(waiting);
        };
        tasks.spawn(ask(call(*shared, caller, 2), late));
        {
          const auto given_up = call(*shared, caller, 3);
        }
        shared.reset();
        EXPECT_EQ(takeEvents(), (Events{"1.1 calls 1", "given up"}));
        expectError(co_await std::move(answer), ErrorCode::kUnavailable);
        co_await settle(shard);
        EXPECT_TRUE(late);
        if (late) expectError(*late, ErrorCode::kUnavailable);
      },
      1);
}

}  // namespace
}  // namespace nimbus::host
