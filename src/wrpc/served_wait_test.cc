#include "wrpc/served_wait.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "net/test_support.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;
using std::chrono::milliseconds;

class ServedWaitTest : public net::ShardTest {};

// One whose calls have something coming or going at the first looks, and nothing after.
struct TestPeer final : ServedWait::Peer {
  [[nodiscard]] std::uint64_t progress() const override {
    if (moves > 0) moves -= 1, moved += 1;
    return moved;
  }
  [[nodiscard]] bool owesProgress() const override {
    looks += 1;
    return looks > forgiven;
  }
  void abandon(const Error& reason) override { reasons += reason.message() + "; "; }

  mutable std::uint64_t moves = 0;
  mutable std::uint64_t moved = 0;
  mutable int looks = 0;
  int forgiven = 0;
  std::string reasons;
};

template <typename T>
Task<void> keep(Task<Result<T>> task, std::optional<Result<T>>& into) {
  into = co_await std::move(task);
}

TEST_F(ServedWaitTest, GivesWhatComesLater) {
  run([](Shard& shard) -> Task<void> {
    TestPeer peer;
    ServedWait wait(shard, peer);
    OneShot<Result<Values>> called;
    std::optional<Result<Values>> results;
    TaskSet tasks;
    tasks.spawn(keep(wait.results(called.wait()), results));
    EXPECT_FALSE(results);
    Values values;
    values.bytes.append(asBytes("ok"));
    called.set(std::move(values));
    EXPECT_FALSE(results) << "only in a later turn";
    co_await tasks.empty();
    EXPECT_TRUE(results && *results);
    if (results && *results) EXPECT_EQ(asText((**results).bytes.flatten()), "ok");

    OneShot<Result<void>> sending;
    std::optional<Result<void>> sent;
    tasks.spawn(keep(wait.sent(sending.wait()), sent));
    sending.set(fail(ErrorCode::kUnavailable, "the peer has gone"));
    co_await tasks.empty();
    EXPECT_TRUE(sent && !*sent && sent->error().message() == "the peer has gone");
    EXPECT_EQ(peer.reasons, "");
  });
}

TEST_F(ServedWaitTest, GivesUpWhatTakesTooLongForTheFirstReason) {
  run([](Shard& shard) -> Task<void> {
    TestPeer peer;
    ServedWait wait(shard, peer);
    OneShot<Result<Values>> never;
    wait.limit(milliseconds(1), "the call");
    const auto results = co_await wait.results(never.wait());
    EXPECT_EQ(results.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(results.error().message(), "the call took too long");
    wait.giveUp(Error(ErrorCode::kCancelled, "the peer gave up"));
    EXPECT_EQ(wait.failure()->message(), "the call took too long");
    EXPECT_EQ(peer.reasons, "the call took too long; the call took too long; ");
  });
}

TEST_F(ServedWaitTest, GivesUpAPeerThatOwesProgressAndMakesNone) {
  run([](Shard& shard) -> Task<void> {
    TestPeer peer;
    peer.moves = 5;
    peer.forgiven = 3;
    ServedWait wait(shard, peer);
    OneShot<Result<void>> never;
    wait.limitStalls(milliseconds(1));
    const auto sent = co_await wait.sent(never.wait());
    EXPECT_EQ(sent.error().message(), "the peer takes and sends nothing");
    EXPECT_EQ(peer.moves, 0u) << "one that moves is left alone";
    EXPECT_EQ(peer.looks, 4) << "and one that owes nothing";
  });
}

TEST_F(ServedWaitTest, EndsWhatItRunsWithItself) {
  run([](Shard& shard) -> Task<void> {
    TestPeer peer;
    OneShot<Result<Values>> never;
    std::optional<Result<Values>> results;
    {
      ServedWait wait(shard, peer);
      TaskSet tasks;
      tasks.spawn(keep(wait.results(never.wait()), results));
    }
    never.set(Values{});  // nobody is left to be told
    EXPECT_FALSE(results);
    co_return;
  });
}

}  // namespace
}  // namespace nimbus::wrpc
