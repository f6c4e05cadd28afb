#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/byte_chain.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/component.h"
#include "engine/guest_context.h"
#include "engine/poller.h"
#include "rust/engine.h"

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
    virtual void onDone(const NimbusOutcome& outcome, NimbusOwnedBytes results,
                        const NimbusOutgoing* outgoing, std::size_t outgoing_count) = 0;

    // Its result is not wanted any more; onDone() is not called.
    void giveUp();

   private:
    friend GuestInstance;
    void unlink();

    NimbusGuestCall* raw_ = nullptr;
    GuestInstance* instance_ = nullptr;
    Call* next_ = nullptr;
    Call** link_ = nullptr;
  };

  // Hears after each poll, outside of it. The last thing done: it may destroy the instance.
  class Owner {
   public:
    virtual void onPolled(GuestInstance& instance) = 0;

   protected:
    ~Owner() = default;
  };

  GuestInstance(Poller& poller, std::shared_ptr<const Component> component,
                const GuestContext& context, std::uint32_t max_concurrent, Owner& owner);
  // Calls still on it are done by then (kCollateral).
  ~GuestInstance();
  GuestInstance(const GuestInstance&) = delete;
  GuestInstance& operator=(const GuestInstance&) = delete;

  // `params` need live during this call only. Nothing runs before poll(), which must follow.
  void submit(Call& call, std::uint32_t function, const NimbusPieces& params,
              NimbusChannels channels, std::optional<TimePoint> deadline);
  void dropResource(ByteView handle);
  [[nodiscard]] bool owns(ByteView handle) const;
  [[nodiscard]] bool hasResources() const { return nimbus_guest_resources(raw_) != 0; }
  // Polls now if no guest is being polled on this shard, else at the end of this turn. How many
  // calls were done by that; the owner does not hear of it.
  std::size_t poll();
  // Has the owner hear, at the end of this turn.
  void wake() { poller_.wake(token_); }

  // No more calls are served: it trapped, or a call was given up that cannot be interrupted.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool idle() const { return first_ == nullptr; }
  // Used since it was last idle.
  [[nodiscard]] Duration cpuTime() const { return cpu_time_; }

 private:
  void onWake() override;
  void pollOnce();

  Poller& poller_;
  std::shared_ptr<const Component> component_;
  Owner& owner_;
  NimbusGuest* raw_;
  std::uint64_t token_;
  Call* first_ = nullptr;
  Duration cpu_time_{};
  std::size_t done_ = 0;  // in the poll under way
  bool ended_ = false;
};

}  // namespace nimbus::engine
