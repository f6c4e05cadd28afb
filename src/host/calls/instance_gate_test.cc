#include "host/calls/instance_gate.h"

#include "host/test_support.h"

namespace nimbus::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The gate of one component on one shard, with the quotas behind it.
struct GateSetup {
  GateSetup(net::Shard& shard, Quota& host_quota, Quota& own_quota, CallPolicy policy = patient(),
            std::size_t shard_count = 1)
      : host(host_quota, shard_count),
        idle(shard, host, nullptr),
        gate(shard, host, idle, own_quota, shard_count, policy, counters) {}

  static CallPolicy patient() {
    CallPolicy policy;
    policy.queue_timeout = seconds(60);
    policy.max_queue = 8;
    return policy;
  }

  CallCounters counters;
  QuotaLease host;
  IdleInstances idle;
  InstanceGate gate;
};

// Acquires, notes its name or the error, holds the permit until `until` and gives it back.
Task<void> use(InstanceGate* gate, char name, std::string* order, Event* until) {
  auto permit = co_await gate->acquire();
  if (!permit) {
    *order += permit.error().code() == ErrorCode::kResourceExhausted ? '!' : '?';
    co_return;
  }
  *order += name;
  co_await until->wait();
}

class InstanceGateTest : public ShardTest {};

TEST_F(InstanceGateTest, GivesPermitsWithinBothQuotas) {
  run([](net::Shard& shard) -> Task<void> {
    for (const auto& [host_limit, own_limit] : {std::pair(2, 10), std::pair(10, 2)}) {
      Quota host(host_limit);
      Quota own(own_limit);
      GateSetup parts(shard, host, own);
      auto first = parts.gate.tryAcquire();
      const auto second = parts.gate.tryAcquire();
      EXPECT_TRUE(first && second);
      EXPECT_FALSE(parts.gate.tryAcquire());
      first.reset();
      EXPECT_TRUE(parts.gate.tryAcquire());
    }
    co_return;
  });
}

TEST_F(InstanceGateTest, KnowsWhetherTheHostIsFull) {
  run([](net::Shard& shard) -> Task<void> {
    for (const auto& [host_limit, own_limit] : {std::pair(1, 10), std::pair(10, 1)}) {
      Quota host(host_limit);
      Quota own(own_limit);
      GateSetup parts(shard, host, own);
      auto one = parts.gate.tryAcquire();
      EXPECT_EQ(parts.gate.hostIsFull(), host_limit == 1);
      one.reset();
      EXPECT_FALSE(parts.gate.hostIsFull());
      EXPECT_TRUE(parts.gate.tryAcquire());  // asking has taken nothing
    }
    co_return;
  });
}

TEST_F(InstanceGateTest, ARefusalTakesNothingFromTheOtherQuota) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(1);
    Quota own(5);
    EXPECT_EQ(host.take(1), 1);
    {
      GateSetup parts(shard, host, own);
      EXPECT_FALSE(parts.gate.tryAcquire());
    }
    EXPECT_EQ(own.take(10), 5);
    co_return;
  });
}

TEST_F(InstanceGateTest, ThoseWhoWaitAreServedInTheirOrder) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    GateSetup parts(shard, host, own);
    std::string order;
    Event open;
    TaskSet waiting;
    {
      const auto permit = parts.gate.tryAcquire();
      open.set();
      for (const char name : {'a', 'b', 'c'}) {
        waiting.spawn(use(&parts.gate, name, &order, &open));
      }
      EXPECT_EQ(parts.counters.queued, 3);
      EXPECT_EQ(order, "");
    }
    co_await waiting.empty();
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(parts.counters.queued, 0);
  });
}

TEST_F(InstanceGateTest, WaitsForWhatIsUsedUpAndForNothingElse) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    GateSetup parts(shard, host, own);
    std::string order;
    Event until;
    until.set();
    TaskSet waiting;
    auto permit = parts.gate.tryAcquire();
    waiting.spawn(use(&parts.gate, 'a', &order, &until));
    co_await settle(shard);
    EXPECT_TRUE(own.someoneWaits());
    EXPECT_FALSE(host.someoneWaits()) << "what is free would call back again and again";
    permit.reset();
    co_await waiting.empty();
    EXPECT_EQ(order, "a");
  });
}

TEST_F(InstanceGateTest, NobodyOvertakesTheQueue) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    GateSetup parts(shard, host, own);
    std::string order;
    Event until;
    TaskSet waiting;
    auto permit = parts.gate.tryAcquire();
    waiting.spawn(use(&parts.gate, 'a', &order, &until));
    waiting.spawn(use(&parts.gate, 'b', &order, &until));
    permit.reset();
    co_await settle(shard);
    EXPECT_EQ(order, "a");
    EXPECT_FALSE(parts.gate.tryAcquire());
    until.set();
    co_await waiting.empty();
    EXPECT_EQ(order, "ab");
  });
}

TEST_F(InstanceGateTest, AFullQueueRefusesAtOnce) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    CallPolicy policy = GateSetup::patient();
    policy.max_queue = 2;
    GateSetup parts(shard, host, own, policy);
    std::string order;
    Event until;
    until.set();
    auto permit = parts.gate.tryAcquire();
    TaskSet waiting;
    for (const char name : {'a', 'b', 'c'}) waiting.spawn(use(&parts.gate, name, &order, &until));
    EXPECT_EQ(order, "!");
    permit.reset();
    co_await waiting.empty();
    EXPECT_EQ(order, "!ab");
  });
}

TEST_F(InstanceGateTest, WaitingEndsAfterTheTimeOut) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    CallPolicy policy = GateSetup::patient();
    policy.queue_timeout = milliseconds(5);
    GateSetup parts(shard, host, own, policy);
    std::string order;
    Event until;
    auto permit = parts.gate.tryAcquire();
    TaskSet waiting;
    waiting.spawn(use(&parts.gate, 'a', &order, &until));
    co_await waiting.empty();
    EXPECT_EQ(order, "?");
    EXPECT_EQ(parts.counters.queued, 0);
    permit.reset();
    EXPECT_TRUE(parts.gate.tryAcquire()) << "who left the queue holds nothing up";
  });
}

TEST_F(InstanceGateTest, AWaiterThatGivesUpLeavesTheQueue) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    GateSetup parts(shard, host, own);
    std::string order;
    Event until;
    until.set();
    auto permit = parts.gate.tryAcquire();
    TaskSet stays;
    {
      TaskSet leaves;
      leaves.spawn(use(&parts.gate, 'x', &order, &until));
      stays.spawn(use(&parts.gate, 'a', &order, &until));
    }
    permit.reset();
    co_await stays.empty();
    EXPECT_EQ(order, "a");
  });
}

TEST(InstanceGateOnTwoShards, APermitGivenBackOnOneWakesAWaiterOnTheOther) {
  auto shards = net::ShardGroup::start(2).value();
  Quota host(10);
  Quota own(1);
  std::unique_ptr<GateSetup> here;
  std::optional<InstanceGate::Permit> held;
  shards->runOn(0, [&](net::Shard& shard) {
    here = std::make_unique<GateSetup>(shard, host, own, GateSetup::patient(), 2);
    if (auto permit = here->gate.tryAcquire()) held.emplace(std::move(*permit));
    EXPECT_TRUE(held);
  });
  shards->runTask(1, [&](net::Shard& shard) -> Task<void> {
    GateSetup there(shard, host, own, GateSetup::patient(), 2);
    std::string order;
    Event until;
    until.set();
    TaskSet waiting;
    waiting.spawn(use(&there.gate, 'a', &order, &until));
    EXPECT_EQ(there.counters.queued, 1);
    (*shards)[0].post([&] { held.reset(); });
    co_await waiting.empty();
    EXPECT_EQ(order, "a");
  });
  shards->runOn(0, [&](net::Shard&) { here.reset(); });
  EXPECT_EQ(own.take(10), 1);
}

TEST_F(InstanceGateTest, WhoKeepsAQueueIsNotCountedInThisOne) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(10);
    Quota own(1);
    GateSetup parts(shard, host, own);
    auto permit = parts.gate.tryAcquire();
    bool granted = false;
    TaskSet users;
    users.spawn([](InstanceGate* gate, bool* done) -> Task<void> {
      *done = (co_await gate->acquireUncounted()).has_value();
    }(&parts.gate, &granted));
    EXPECT_EQ(parts.counters.queued, 0U);
    EXPECT_FALSE(granted);
    permit.reset();
    co_await users.empty();
    EXPECT_TRUE(granted);
  });
}

}  // namespace
}  // namespace nimbus::host
