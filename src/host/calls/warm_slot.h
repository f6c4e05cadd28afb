#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/exchange.h"
#include "engine/warm_instance.h"
#include "host/calls/call_counters.h"
#include "host/calls/deadline_queue.h"
#include "host/calls/idle_instances.h"
#include "host/calls/instance_gate.h"

namespace nimbus::host {

class WarmCall;

// One warm instance of a pool, and what is on it. Kept alive by the pool while it admits calls, and
// by each call on it, whose client may read for longer than the instance lives.
struct WarmSlot {
  WarmSlot(InstanceGate::Permit permit_for_it, std::atomic<std::uint64_t>& count)
      : permit(std::move(permit_for_it)), counted(std::in_place, count) {}

  // The instance is gone: another one may be had. Who waits for that goes on within this.
  void giveBack() {
    counted.reset();
    const std::optional<InstanceGate::Permit> given = std::exchange(permit, std::nullopt);
  }

  std::optional<InstanceGate::Permit> permit;  // both until the instance is gone
  std::optional<Counted> counted;
  std::unique_ptr<engine::WarmInstance> instance;
  std::vector<WarmCall*> calls;   // those whose guest was not done at the end of the last poll
  std::uint32_t seats_taken = 0;  // calls, and promises to calls
  std::uint64_t admitted = 0;
  Duration unasked_cpu{};     // used since there was a call on it
  Duration stretch_before{};  // of the present stretch, what was used before the first call on it
  bool admits = true;
  bool aside = false;      // by choice it takes no more calls, while those on it go on
  bool secluded = false;   // what its calls compute is counted anew, without others that come
  bool has_stray = false;  // a call was given up while its guest code goes on
  bool closing = false;
  std::string end_reason;  // why all calls on it were ended, if a limit of one of them did that
  TimePoint idle_since{};
  IdleInstances::Entry idle;
  std::unique_ptr<net::Timer> grace;
  std::unique_ptr<net::Timer> unwanted_timer;  // null until a call on it was left by its client
  bool unwanted_timer_runs = false;
};

// The room that a call takes on an instance; the pool hears when it is given back.
class Seat {
 public:
  class Owner {
   public:
    virtual void onSeatFree(std::shared_ptr<WarmSlot> slot) = 0;

   protected:
    ~Owner() = default;
  };

  Seat(Owner& owner, std::shared_ptr<WarmSlot> slot) : owner_(&owner), slot_(std::move(slot)) {
    IdleInstances::remove(slot_->idle);
    slot_->seats_taken += 1;
    slot_->admitted += 1;
  }
  Seat(Seat&& other) noexcept = default;
  Seat& operator=(Seat&&) = delete;
  ~Seat() {
    if (!slot_) return;
    slot_->seats_taken -= 1;
    owner_->onSeatFree(std::move(slot_));
  }

  [[nodiscard]] WarmSlot& slot() const { return *slot_; }
  [[nodiscard]] const std::shared_ptr<WarmSlot>& shared() const { return slot_; }

 private:
  Owner* owner_;
  std::shared_ptr<WarmSlot> slot_;
};

// One call on a warm instance.
class WarmCall final : public DeadlineQueue::Entry {
 public:
  class Owner {
   public:
    virtual void onCallTimeout(WarmCall& call) = 0;

   protected:
    ~Owner() = default;
  };

  WarmCall(Owner& owner, DeadlineQueue& deadlines, Seat seat,
           std::unique_ptr<engine::Exchange> exchange)
      : Entry(deadlines), owner_(owner), seat_(std::move(seat)), exchange_(std::move(exchange)) {
    slot()->calls.push_back(this);
    slot()->instance->submit(*exchange_);
  }
  ~WarmCall() override {
    if (seat_) std::erase(seat_->slot().calls, this);
  }

  [[nodiscard]] engine::Exchange& exchange() { return *exchange_; }
  // Null once it is on none any more.
  [[nodiscard]] std::shared_ptr<WarmSlot> slot() const { return seat_ ? seat_->shared() : nullptr; }
  // A client that has not read all of a complete response by then holds no room any longer.
  void onDeadline() override {
    if (exchange_->released()) {
      leave();
    } else {
      owner_.onCallTimeout(*this);
    }
  }

  Duration cpu_time{};
  bool shares_cpu_time = false;  // part of it was of polls of several calls
  bool expired = false;          // its guest goes on, and nobody waits for it
  // Since when its client is gone, if the response was not complete by then.
  std::optional<TimePoint> unwanted_since;

 private:
  // The last thing done: the room goes to whoever waits for it.
  void leave() {
    std::erase(seat_->slot().calls, this);
    const Seat seat = *std::exchange(seat_, std::nullopt);
  }

  Owner& owner_;
  std::optional<Seat> seat_;
  std::unique_ptr<engine::Exchange> exchange_;
};

}  // namespace nimbus::host
