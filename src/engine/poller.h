#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/cpu_time.h"
#include "engine/slice_history.h"
#include "net/shard.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Polls guests on their shard. The engine's wakers, which may fire on any thread, while a guest is
// being polled and long after it is gone, end up as tokens in one queue per shard; each turn of the
// shard's loop polls the clients whose tokens have come in.
//
// One per shard; lives on its thread; destroyed after all its clients.
class Poller final : net::Deferred {
 public:
  // Something that wants polling when woken: a call or a warm instance.
  class Client {
   public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Woken since the last poll. May destroy this client.
    virtual void onWake() = 0;

   protected:
    ~Client() = default;
  };

  explicit Poller(net::Shard& shard);
  ~Poller() override;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // A waker for the client, under a token that is never used again.
  [[nodiscard]] NimbusWake add(Client& client);
  void remove(std::uint64_t token);
  // Has the client polled at the end of this turn. Shard's thread only.
  void wake(std::uint64_t token);

  // Brackets a poll of `token`: wakes of itself that come meanwhile are kept back, and count only
  // if the poll left it pending. `slices` tells how long a slice its guest begins with, and
  // outlives the poll.
  void beginPoll(std::uint64_t token, SliceHistory& slices);
  // Its guest was cut short. `used`: CPU time of its call so far.
  void cutShort(Duration used) { slices_->cutShort(used, meter_.began()); }
  // CPU time since beginPoll(); once per poll.
  [[nodiscard]] Duration cpuOfPoll() { return meter_.end(); }
  // kCutShort: it would have gone on computing. It is polled again when the shard has nothing else
  // to do, or now and then (net::IdleGate): everybody else comes first.
  enum class Polled : std::int32_t {
    kPending = NIMBUS_POLL_PENDING,
    kDone = NIMBUS_POLL_READY,
    kCutShort = NIMBUS_POLL_CUT_SHORT,
  };
  void endPoll(Polled polled);
  // Where the guest is that `poll` polls, as lines of a Wasm backtrace that begin with "\nwasm
  // backtrace:"; empty if it was not cut short. For one that was so by its last poll. It computes
  // for a tick meanwhile; so this polls none, and is empty, more often than four times a second.
  template <typename Poll>
  [[nodiscard]] std::string traceOf(Poll poll) {
    if (shard_.now() < next_trace_) return {};
    next_trace_ = shard_.now() + kTraceInterval;
    nimbus_trace_next_slice();
    poll();
    return takeTrace();  // this object may be gone
  }
  // Whether the poll that is under way (or just ended) woke its own token.
  [[nodiscard]] bool wokeItself() const;
  // Whether some client is being polled right now: others must wait their turn.
  [[nodiscard]] bool isPolling() const;

  [[nodiscard]] net::Shard& shard() { return shard_; }

 private:
  class Queue;
  static constexpr Duration kTraceInterval = std::chrono::milliseconds(250);
  [[nodiscard]] static std::string takeTrace();
  // Polls all clients whose tokens have come in.
  void runDeferred() override;
  [[nodiscard]] bool runPass(Queue& queue);
  // Wakes the client that was cut short first.
  class Resume final : public net::Deferred {
   public:
    explicit Resume(Poller& poller) : poller_(poller) {}
    void runDeferred() override { poller_.resumeCutShort(); }

   private:
    Poller& poller_;
  };
  void resumeCutShort();

  net::Shard& shard_;
  Queue* queue_;
  std::unordered_map<std::uint64_t, Client*> clients_;
  std::uint64_t next_token_ = 1;
  CpuMeter<> meter_;
  SliceHistory* slices_ = nullptr;  // of the last poll
  std::deque<std::uint64_t> cut_short_;
  TimePoint next_trace_{};
  Resume resume_{*this};
};

}  // namespace nimbus::engine
