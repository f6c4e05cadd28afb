#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/sync.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// What a call on the server's side waits for, in any dialect: its results, that they are sent, or
// the reason why it gives up, which may be that a limit of time has passed. One shard. Belongs to
// the call, whose last member it is: what it runs uses all the others.
class ServedWait final : private net::Deferred {
 public:
  // What differs between dialects. Outlives the wait.
  class Peer {
   public:
    // Grows with all that comes or goes.
    [[nodiscard]] virtual std::uint64_t progress() const = 0;
    // Whether it would be the peer's fault if nothing came or went.
    [[nodiscard]] virtual bool owesProgress() const = 0;
    // Ends, with this reason, whatever waits for something from the peer.
    virtual void abandon(const Error& reason) = 0;

   protected:
    ~Peer() = default;
  };

  ServedWait(net::Shard& shard, Peer& peer) : shard_(shard), peer_(peer) {}

  // Why the call gives up; the first reason stays.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  void giveUp(Error reason);
  // Something has changed: who waits for news sees it in a later turn.
  void tell() { shard_.defer(*this); }
  // `while (!found() && !wait.failure()) co_await wait.news();`
  [[nodiscard]] Event::Awaiter news() {
    news_.clear();
    return news_.wait();
  }

  // Until the results are there or the call gives up.
  [[nodiscard]] Task<Result<Values>> results(Eventual<Result<Values>> results);
  // The same until `sending` has ended. Once in the life of a wait, after results().
  [[nodiscard]] Task<Result<void>> sent(Task<Result<void>> sending);

  // From now on `what` may take so long; what was limited before is not any more.
  void limit(Duration allowed, std::string_view what);
  // Instead the peer may be idle for so long where it owes progress.
  void limitStalls(Duration allowed);
  void stopLimiting();

 private:
  [[nodiscard]] Task<void> collect(Eventual<Result<Values>> results);
  [[nodiscard]] Task<void> finish(Task<Result<void>> sending);
  void arm(Duration allowed);
  void expire();
  void runDeferred() override { news_.set(); }

  net::Shard& shard_;
  Peer& peer_;
  std::optional<Error> failure_;
  Event news_;  // level: something has changed
  std::optional<Result<Values>> results_;
  std::optional<Result<void>> sent_;

  std::optional<net::Timer> timer_;  // most calls over NATS need none
  std::string_view limited_;         // what the timer is about; empty: stalls
  Duration stall_{};
  std::uint64_t progress_ = 0;  // the peer's when the timer was set
  TaskSet working_;             // last, so that it goes first: it uses everything else
};

}  // namespace nimbus::wrpc
