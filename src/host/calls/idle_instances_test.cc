#include "host/calls/idle_instances.h"

#include <memory>
#include <string>

#include "engine/test_support.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

// One shard with instances that note their names when they are given up.
struct Idling {
  explicit Idling(net::Shard& own_shard) : shard(own_shard) {}

  std::unique_ptr<IdleInstances::Entry> idle(char name, Quota& own) {
    auto entry = std::make_unique<IdleInstances::Entry>();
    entry->give_up = [this, name] { gone += name; };
    instances.add(*entry, own);
    return entry;
  }
  // What goes; its place is free then.
  Task<std::string> ask(Quota& quota) {
    gone.clear();
    instances.ask(quota);
    EXPECT_EQ(gone, "") << "not within the call";
    co_await engine::settle(shard);
    quota.give(0);
    co_return gone;
  }

  net::Shard& shard;
  Quota host{10};
  Quota one{10};
  Quota other{10};
  QuotaLease lease{host, 1};
  IdleInstances instances{shard, lease, nullptr};
  std::string gone;
};

class IdleInstancesTest : public ShardTest {};

TEST_F(IdleInstancesTest, TheOneThatHasIdledLongestGoes) {
  run([](net::Shard& shard) -> Task<void> {
    Idling idling(shard);
    const auto a = idling.idle('a', idling.one);
    const auto b = idling.idle('b', idling.other);
    const auto c = idling.idle('c', idling.one);
    idling.instances.add(*a, idling.one);  // it was used meanwhile
    EXPECT_EQ(co_await idling.ask(idling.host), "b");
    EXPECT_EQ(co_await idling.ask(idling.host), "c");
    EXPECT_EQ(co_await idling.ask(idling.host), "a");
    EXPECT_EQ(co_await idling.ask(idling.host), "");
  });
}

TEST_F(IdleInstancesTest, AComponentsQuotaIsFreedByItsOwnInstancesOnly) {
  run([](net::Shard& shard) -> Task<void> {
    Idling idling(shard);
    const auto a = idling.idle('a', idling.other);
    const auto b = idling.idle('b', idling.one);
    EXPECT_EQ(co_await idling.ask(idling.one), "b");
    EXPECT_EQ(co_await idling.ask(idling.one), "");
  });
}

TEST_F(IdleInstancesTest, UntilOneHasGoneNoOtherGoes) {
  run([](net::Shard& shard) -> Task<void> {
    Idling idling(shard);
    const auto a = idling.idle('a', idling.one);
    const auto b = idling.idle('b', idling.one);
    for (Quota* const quota : {&idling.host, &idling.one}) {
      idling.gone.clear();
      for (int i = 0; i < 3; ++i) idling.instances.ask(*quota);
      co_await engine::settle(shard);
      idling.instances.ask(*quota);
      co_await engine::settle(shard);
      EXPECT_EQ(idling.gone.size(), 1U);
    }
    idling.lease.give();
    EXPECT_FALSE(idling.host.oneExpected());
  });
}

TEST_F(IdleInstancesTest, WhatIsBusyOrGoneIsLeftAlone) {
  run([](net::Shard& shard) -> Task<void> {
    Idling idling(shard);
    const auto busy = idling.idle('a', idling.one);
    auto gone = idling.idle('b', idling.one);
    IdleInstances::remove(*busy);
    gone.reset();
    EXPECT_EQ(co_await idling.ask(idling.host), "");
  });
}

TEST_F(IdleInstancesTest, WhatTheShardKeepsForLaterGoesFirst) {
  run([](net::Shard& shard) -> Task<void> {
    Quota host(1000);
    Quota own(1);
    QuotaLease lease(host, 1);
    IdleInstances instances(shard, lease, nullptr);
    EXPECT_TRUE(lease.take());
    const auto left = [&] {
      const std::uint64_t free = host.take(1000);
      host.give(free);
      return free;
    };
    EXPECT_LT(left(), 999U);
    instances.ask(host);
    co_await engine::settle(shard);
    EXPECT_EQ(left(), 999U);
    lease.give();
  });
}

TEST_F(IdleInstancesTest, WhoIsGoneBeforeItsTurnIsNotAsked) {
  run([](net::Shard& shard) -> Task<void> {
    auto idling = std::make_unique<Idling>(shard);
    idling->instances.ask(idling->host);
    idling.reset();
    co_await engine::settle(shard);
  });
}

}  // namespace
}  // namespace nimbus::host
