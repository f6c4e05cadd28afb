#include "host/calls/deadline_queue.h"

#include "host/test_support.h"

namespace nimbus::host {
namespace {

using DeadlineQueueTest = ShardTest;
using std::chrono::milliseconds;

struct FakeEntry final : DeadlineQueue::Entry {
  FakeEntry(DeadlineQueue& queue, std::string& order, char entry_name)
      : Entry(queue), order_(order), name_(entry_name) {}
  void onDeadline() override {
    order_ += name_;
    due.set();
  }
  Event due;

 private:
  std::string& order_;
  char name_;
};

TEST_F(DeadlineQueueTest, EntriesAreDueInTheOrderTheyCame) {
  run([](net::Shard& shard) -> Task<void> {
    DeadlineQueue queue(shard, milliseconds(5));
    std::string order;
    FakeEntry a(queue, order, 'a');
    FakeEntry b(queue, order, 'b');
    FakeEntry c(queue, order, 'c');
    const TimePoint start = shard.now();
    co_await c.due.wait();
    EXPECT_EQ(order, "abc");
    EXPECT_GE(shard.now() - start, milliseconds(5));
  });
}

TEST_F(DeadlineQueueTest, AnEntryThatIsGoneIsNeverDue) {
  run([](net::Shard& shard) -> Task<void> {
    DeadlineQueue queue(shard, milliseconds(5));
    std::string order;
    auto first = std::make_unique<FakeEntry>(queue, order, '1');
    auto middle = std::make_unique<FakeEntry>(queue, order, '2');
    FakeEntry third(queue, order, '3');
    auto last = std::make_unique<FakeEntry>(queue, order, '4');
    first.reset();
    middle.reset();
    last.reset();
    co_await third.due.wait();
    FakeEntry later(queue, order, '5');
    co_await later.due.wait();
    EXPECT_EQ(order, "35");
  });
}

// Takes itself and another entry away when its time is up.
struct LastEntry final : DeadlineQueue::Entry {
  LastEntry(DeadlineQueue& queue, std::unique_ptr<LastEntry>& self,
            std::unique_ptr<FakeEntry>& other, Event& gone)
      : Entry(queue), self_(self), other_(other), gone_(gone) {}
  void onDeadline() override {
    Event& gone = gone_;
    other_.reset();
    self_.reset();
    gone.set();
  }

 private:
  std::unique_ptr<LastEntry>& self_;
  std::unique_ptr<FakeEntry>& other_;
  Event& gone_;
};

TEST_F(DeadlineQueueTest, ADueEntryMayDestroyItselfAndTheNext) {
  run([](net::Shard& shard) -> Task<void> {
    DeadlineQueue queue(shard, milliseconds(5));
    std::string order;
    Event gone;
    std::unique_ptr<LastEntry> last;
    std::unique_ptr<FakeEntry> next;
    last = std::make_unique<LastEntry>(queue, last, next, gone);
    next = std::make_unique<FakeEntry>(queue, order, 'n');
    FakeEntry after(queue, order, 'a');
    co_await gone.wait();
    co_await after.due.wait();
    EXPECT_EQ(order, "a");
  });
}

TEST_F(DeadlineQueueTest, ZeroMeansNoDeadline) {
  run([](net::Shard& shard) -> Task<void> {
    DeadlineQueue never(shard, Duration::zero());
    DeadlineQueue soon(shard, milliseconds(2));
    std::string order;
    const FakeEntry waits(never, order, 'n');
    FakeEntry ends(soon, order, 's');
    co_await ends.due.wait();
    EXPECT_EQ(order, "s");
  });
}

}  // namespace
}  // namespace nimbus::host
