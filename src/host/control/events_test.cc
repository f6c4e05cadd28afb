#include "host/control/events.h"

#include "host/test_support.h"

namespace nimbus::host {
namespace {

class EventLogTest : public ShardTest {
 protected:
  FakeClock clock_;
};

// Collects what a reader that begins after `cursor` gets, until the log closes.
Task<void> follow(EventLog& log, std::uint64_t cursor, std::vector<std::string>& seen) {
  while (true) {
    const EventLog::Item item = co_await log.next(cursor);
    if (const auto* event = std::get_if<HostEvent>(&item)) {
      seen.push_back(event->workload);
      cursor = event->sequence;
    } else if (const auto* missed = std::get_if<EventLog::Missed>(&item)) {
      seen.push_back("missed " + std::to_string(missed->count));
      cursor = log.oldest() - 1;
    } else if (std::holds_alternative<EventLog::Heartbeat>(item)) {
      seen.emplace_back("heartbeat");
    } else {
      seen.emplace_back("closed");
      co_return;
    }
  }
}

TEST_F(EventLogTest, AReaderGetsWhatWasAndWhatComes) {
  run([this](net::Shard& shard) -> Task<void> {
    EventLog log(shard, clock_, "e");
    log.add(EventKind::kRunning, "a", 1, "");
    std::vector<std::string> seen;
    TaskSet tasks;
    tasks.spawn(follow(log, 0, seen));
    EXPECT_EQ(seen, (std::vector<std::string>{"a"}));
    log.add(EventKind::kRunning, "b", 2, "");
    log.add(EventKind::kRunning, "c", 3, "");
    EXPECT_EQ(seen.size(), 1U) << "resumed inside of add()";
    co_await settle(shard);
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c"}));
    log.close();
    co_await tasks.empty();
    EXPECT_EQ(seen.back(), "closed");
  });
}

TEST_F(EventLogTest, ASlowReaderIsToldWhatItMissed) {
  run([this](net::Shard& shard) -> Task<void> {
    EventLog log(shard, clock_, "e", {.capacity = 3});
    for (const char* name : {"a", "b", "c", "d", "e"}) log.add(EventKind::kRunning, name, 1, "");
    log.close();
    std::vector<std::string> seen;
    co_await follow(log, 0, seen);
    EXPECT_EQ(seen, (std::vector<std::string>{"missed 2", "c", "d", "e", "closed"}));
    seen.clear();
    co_await follow(log, 2, seen);
    EXPECT_EQ(seen, (std::vector<std::string>{"c", "d", "e", "closed"}));
  });
}

TEST_F(EventLogTest, AWaitingReaderHearsAHeartbeat) {
  run([this](net::Shard& shard) -> Task<void> {
    EventLog log(shard, clock_, "e", {.heartbeat = std::chrono::milliseconds(1)});
    for (int i = 0; i < 3; ++i) {
      const EventLog::Item item = co_await log.next(0);
      EXPECT_TRUE(std::holds_alternative<EventLog::Heartbeat>(item));
    }
  });
}

TEST_F(EventLogTest, AReaderThatGoesAwayIsForgotten) {
  run([this](net::Shard& shard) -> Task<void> {
    EventLog log(shard, clock_, "e");
    std::vector<std::string> seen;
    TaskSet gone;
    gone.spawn(follow(log, 0, seen));
    gone.cancelAll();
    log.add(EventKind::kRunning, "a", 1, "");
    co_await settle(shard);
    EXPECT_TRUE(seen.empty());
  });
}

}  // namespace
}  // namespace nimbus::host
