#include "engine/poller.h"

#include <functional>
#include <thread>

#include "base/sync.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using PollerTest = net::ShardTest;

// Counts its wakes; `does` runs in each.
class FakeClient final : public Poller::Client {
 public:
  explicit FakeClient(Poller& poller) : poller_(poller), wake_(poller.add(*this)) {}
  ~FakeClient() {
    poller_.remove(token_);
    if (wake_.queue != nullptr) wake_.release(wake_.queue);
  }
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  void onWake() override {
    ++wakes;
    if (does) does();
    if (wakes >= wanted) woken.set();
  }
  // As the engine's waker does, on whatever thread.
  void wake() const { wake_.wake(wake_.queue, wake_.token); }
  [[nodiscard]] std::uint64_t token() const { return token_; }
  // The waker outlives this client.
  [[nodiscard]] NimbusWake keepWaker() { return std::exchange(wake_, NimbusWake{}); }

  int wakes = 0;
  int wanted = 1;
  Event woken;
  std::function<void()> does;
  SliceHistory slices;

 private:
  Poller& poller_;
  NimbusWake wake_;
  std::uint64_t token_ = wake_.token;
};

TEST_F(PollerTest, AWakeLeadsToOnePollInALaterTurn) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    client.wake();
    EXPECT_EQ(client.wakes, 0) << "nothing is polled inside of a wake";
    co_await client.woken.wait();
    EXPECT_EQ(client.wakes, 1);
    co_await settle(shard);
    EXPECT_EQ(client.wakes, 1);
  });
}

TEST_F(PollerTest, AnotherThreadMayWake) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    std::jthread elsewhere([&] { client.wake(); });
    co_await client.woken.wait();
    EXPECT_GE(client.wakes, 1);
  });
}

TEST_F(PollerTest, NoWakeOfManyThreadsIsLost) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    // Each wake comes after the one before it was answered: were one lost, this would not end.
    constexpr int kRounds = 200;
    for (int round = 0; round < kRounds; ++round) {
      client.woken.clear();
      client.wanted = client.wakes + 2;
      std::jthread first([&] { client.wake(); });
      std::jthread second([&] { client.wake(); });
      co_await client.woken.wait();
    }
    EXPECT_EQ(client.wakes, 2 * kRounds);
  });
}

TEST_F(PollerTest, AWakeOfItselfWhileItIsPolledCountsIfItIsStillPending) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    client.wanted = 3;
    client.does = [&] {
      poller.beginPoll(client.token(), client.slices);
      client.wake();
      client.wake();
      EXPECT_TRUE(poller.wokeItself());
      const bool done = client.wakes == 3;
      poller.endPoll(done ? Poller::Polled::kDone : Poller::Polled::kPending);
    };
    client.wake();
    co_await client.woken.wait();
    co_await settle(shard);
    EXPECT_EQ(client.wakes, 3) << "the wake of the last poll, which was done, means nothing";
  });
}

TEST_F(PollerTest, WhatWasCutShortComesAfterEverythingElse) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    std::string order;
    FakeClient computing(poller);
    computing.wanted = 2;
    computing.does = [&] {
      order += 'c';
      poller.beginPoll(computing.token(), computing.slices);
      computing.wake();
      poller.endPoll(computing.wakes == 2 ? Poller::Polled::kDone : Poller::Polled::kCutShort);
    };
    FakeClient other(poller);
    other.wanted = 3;
    other.does = [&] {
      order += 'o';
      if (other.wakes < 3) other.wake();
    };
    computing.wake();
    other.wake();
    co_await computing.woken.wait();
    EXPECT_EQ(order, "coooc");
  });
}

TEST_F(PollerTest, WhatWasCutShortGoesOnOneAfterTheOther) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    std::string order;
    FakeClient first(poller);
    FakeClient second(poller);
    FakeClient waiting(poller);
    const auto computes = [&](FakeClient& client, char name) {
      client.wanted = 3;
      client.does = [&client, &poller, &order, &waiting, name] {
        order += name;
        if (client.wakes > 1) waiting.wake();
        poller.beginPoll(client.token(), client.slices);
        client.wake();
        poller.endPoll(client.wakes == 3 ? Poller::Polled::kDone : Poller::Polled::kCutShort);
      };
    };
    computes(first, '1');
    computes(second, '2');
    waiting.does = [&] { order += 'w'; };
    first.wake();
    second.wake();
    co_await second.woken.wait();
    EXPECT_TRUE(first.woken.isSet());
    EXPECT_EQ(order, "121w2w1w2");
  });
}

TEST_F(PollerTest, AWakeFromElsewhereWhileItIsPolledIsNotLost) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    client.wanted = 2;
    client.does = [&] {
      if (client.wakes > 1) return;
      poller.beginPoll(client.token(), client.slices);
      std::jthread([&] { client.wake(); }).join();
      EXPECT_FALSE(poller.wokeItself());
      poller.endPoll(Poller::Polled::kPending);
    };
    client.wake();
    co_await client.woken.wait();
    EXPECT_EQ(client.wakes, 2);
  });
}

TEST_F(PollerTest, WakesOfSomethingRemovedMeanNothing) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    auto client = std::make_unique<FakeClient>(poller);
    const NimbusWake early = client->keepWaker();
    early.wake(early.queue, early.token);  // due, when the client goes
    client.reset();
    early.wake(early.queue, early.token);
    std::jthread([&] { early.wake(early.queue, early.token); }).join();
    FakeClient next(poller);
    EXPECT_NE(next.token(), early.token) << "tokens are never used again";
    co_await settle(shard);
    EXPECT_EQ(next.wakes, 0);
    early.release(early.queue);
  });
}

TEST_F(PollerTest, WakersMayOutliveThePoller) {
  NimbusWake late{};
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient client(poller);
    late = client.keepWaker();
    // Posted, and run when the poller is gone.
    std::jthread([&] { late.wake(late.queue, late.token); }).join();
    co_return;
  });
  run([&](net::Shard& shard) -> Task<void> {
    late.wake(late.queue, late.token);
    co_await settle(shard);
  });
  late.wake(late.queue, late.token);
  group_.reset();
  late.wake(late.queue, late.token);
  late.release(late.queue);
}

// Ends itself and another client when it is woken.
class LastClient final : public Poller::Client {
 public:
  LastClient(Poller& poller, std::unique_ptr<LastClient>& self, std::unique_ptr<FakeClient>& other)
      : poller_(poller), self_(self), other_(other), wake_(poller.add(*this)) {}
  ~LastClient() {
    poller_.remove(wake_.token);
    wake_.release(wake_.queue);
  }
  LastClient(const LastClient&) = delete;
  LastClient& operator=(const LastClient&) = delete;

  void onWake() override {
    other_.reset();
    self_.reset();
  }
  void wake() const { wake_.wake(wake_.queue, wake_.token); }

 private:
  Poller& poller_;
  std::unique_ptr<LastClient>& self_;
  std::unique_ptr<FakeClient>& other_;
  NimbusWake wake_;
};

TEST_F(PollerTest, AClientMayDestroyItselfAndOthersWhenItIsWoken) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    std::unique_ptr<LastClient> last;
    auto other = std::make_unique<FakeClient>(poller);
    last = std::make_unique<LastClient>(poller, last, other);
    last->wake();
    other->wake();
    co_await settle(shard);
    EXPECT_EQ(last, nullptr);
    EXPECT_EQ(other, nullptr);
  });
}

TEST_F(PollerTest, WhatIsWokenByAPollHasItsTurnBeforeTheLoopGoesOn) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient first(poller);
    FakeClient second(poller);
    std::string order;
    first.does = [&] {
      order += '1';
      second.wake();
      shard.post([&] { order += 'p'; });
    };
    second.does = [&] { order += '2'; };
    first.wake();
    co_await settle(shard);
    EXPECT_EQ(order, "12p");
  });
}

TEST_F(PollerTest, ABusyClientLetsOthersAndTheShardRun) {
  run([](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    FakeClient busy(poller);
    FakeClient other(poller);
    std::string order;
    busy.wanted = other.wanted = 1000;
    busy.does = [&] {
      order += 'b';
      busy.wake();  // has always something to do
    };
    other.does = [&] {
      order += 'o';
      other.wake();
    };
    busy.wake();
    other.wake();
    co_await settle(shard);  // would never return if the two kept the loop for themselves
    busy.does = other.does = nullptr;
    EXPECT_GE(order.size(), 4);
    EXPECT_EQ(order.find("bb"), std::string::npos) << order;
    EXPECT_EQ(order.find("oo"), std::string::npos) << order;
  });
}

}  // namespace
}  // namespace nimbus::engine
