#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/component.h"
#include "engine/exchange.h"
#include "engine/guest_context.h"
#include "engine/poller.h"
#include "engine/reply.h"
#include "rust/engine.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

// An instance whose exports are called: one call after the other, or overlapping if the component
// runs on the engine with concurrency. Made at the first poll. A trap ends it with all its calls.
// Lives on one shard. Internal to src/engine.
class GuestInstance final : Poller::Client {
 public:
  // One call. Destroying it gives it up.
  class Call {
   public:
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    virtual ~Call();

    // It has ended, within a poll; the bytes live during the call. The streams and futures among
    // the results go on.
    virtual void onDone(const NimbusOutcome& outcome, const NimbusReturned& returned) = 0;

    // Its result is not wanted any more; onDone() is not called.
    void giveUp();

   private:
    friend GuestInstance;
    // It is on no instance any more; the one that it was on.
    GuestInstance& leave();

    NimbusGuestCall* raw_ = nullptr;
    GuestInstance* instance_ = nullptr;  // null: done, or not submitted
  };

  // Hears after each poll, outside of it. The last thing done: it may destroy the instance.
  class Owner {
   public:
    virtual void onPolled(GuestInstance& instance) = 0;

   protected:
    ~Owner() = default;
  };

  struct Limits {
    std::uint32_t max_concurrent = 1;
    // CPU time of the calls that are on the instance together, per call.
    Duration cpu_per_call{};
  };

  GuestInstance(Poller& poller, std::shared_ptr<const Component> component,
                const GuestContext& context, Limits limits, Owner& owner);
  // Calls still on it are done by then (kCollateral).
  ~GuestInstance();
  GuestInstance(const GuestInstance&) = delete;
  GuestInstance& operator=(const GuestInstance&) = delete;

  // Nothing runs before poll(), which must follow. `owner`: whose the resources are that the call
  // returns; 0: nobody's in particular.
  void submit(Call& call, std::uint32_t function, wrpc::Values&& params, TimePoint deadline,
              std::uint64_t owner);
  // An HTTP exchange among the calls: it is on the instance until it is released, and outlives that
  // or the instance. `changes`: what it reports to.
  void submit(Exchange& exchange, Exchange::ChangeList& changes, TimePoint deadline);
  struct Served {
    Exchange* exchange;
    TimePoint deadline;
  };
  [[nodiscard]] const std::vector<Served>& exchanges() const { return exchanges_; }
  // Due after one was released by somebody else than the guest: it may be gone soon.
  void forgetReleased();
  // Serves no more; the owner hears at the end of this turn.
  void end() {
    ended_ = true;
    wake();
  }
  void dropResource(ByteView handle);
  void disown(std::uint64_t first, std::uint64_t last) { nimbus_guest_disown(raw_, first, last); }
  [[nodiscard]] bool owns(ByteView handle) const;
  [[nodiscard]] bool hasResources() const { return nimbus_guest_resources(raw_) != 0; }
  // Polls now if no guest is being polled on this shard, else at the end of this turn. How many
  // calls were done by that; the owner does not hear of it.
  std::int64_t poll();
  // Has the owner hear, at the end of this turn.
  void wake() { poller_.wake(token_); }

  // No more calls are served: it trapped, or a call was given up that cannot be interrupted.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool idle() const { return calls_ == 0; }
  // Whether the calls that are on it have used more CPU time than they may. One that ends takes its
  // part with it: what it did not use is not left to others.
  [[nodiscard]] bool overCpuLimit() const {
    return cpu_time_ > limits_.cpu_per_call * std::max<std::int64_t>(calls_, 1);
  }

 private:
  void onWake() override;
  std::int64_t pollOnce();

  Poller& poller_;
  std::shared_ptr<const Component> component_;
  const Limits limits_;
  Owner& owner_;
  PieceList pieces_;  // of the parameters that are being submitted
  NimbusGuest* raw_;
  std::uint64_t token_;
  std::int64_t calls_ = 0;  // on it, with the exchanges
  std::vector<Served> exchanges_;
  Duration cpu_time_{};    // since it was idle, without that of calls that have ended
  std::int64_t done_ = 0;  // in the poll under way
  bool ended_ = false;
};

}  // namespace nimbus::engine
