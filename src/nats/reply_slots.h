#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "nats/connection.h"
#include "net/shard.h"

namespace nimbus::nats {

// Subjects at which answers arrive, for calls of one shard. A call takes a slot, names its base()
// as reply subject and is told what arrives there and below. Each slot is one subscription that
// many calls use one after the other, so a call subscribes nothing; and because one call has it at
// a time, the server's word that nobody listens can be assigned to its call, which the library does
// not do.
//
// Made, used and destroyed on one shard. Slots hold the pool.
class ReplySlots : public std::enable_shared_from_this<ReplySlots> {
 public:
  // Who has a slot. A call may give the slot back.
  class Receiver {
   public:
    // `below`: what stands behind base() in the subject, "" or ".results.0". Valid as long as the
    // message.
    virtual void received(std::string_view below, Message message) = 0;
    // Nobody listens to what was published with base() as its reply subject.
    virtual void noResponders() = 0;
    virtual void lost(Error why) = 0;

   protected:
    ~Receiver() = default;
  };

  // One call's place. Destroying it gives it back; what arrives later is ignored.
  class Slot {
   public:
    class State;
    Slot(std::shared_ptr<ReplySlots> pool, std::unique_ptr<State> state);
    Slot(Slot&&) noexcept;
    Slot& operator=(Slot&&) = delete;
    ~Slot();
    [[nodiscard]] const std::string& base() const [[clang::lifetimebound]];
    // More may arrive for this call, so the subscription goes with it.
    void retire();

   private:
    std::shared_ptr<ReplySlots> pool_;
    std::unique_ptr<State> state_;
  };

  ReplySlots(std::shared_ptr<Connection> connection, net::Shard& shard, std::size_t max_slots);
  ~ReplySlots();

  // kResourceExhausted: max_slots are taken.
  [[nodiscard]] Result<Slot> take(Receiver& receiver);

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] net::Shard& shard() { return shard_; }
  [[nodiscard]] std::size_t takenCount() const { return taken_; }

 private:
  void giveBack(std::unique_ptr<Slot::State> state);

  std::shared_ptr<Connection> connection_;
  net::Shard& shard_;
  const std::size_t max_slots_;
  const std::string inbox_;
  std::uint64_t made_ = 0;
  std::size_t taken_ = 0;
  std::vector<std::unique_ptr<Slot::State>> free_;  // the last used one last
};

// Publishes and waits for one answer. Errors: kNotFound (nobody listens), kDeadlineExceeded,
// kResourceExhausted, kUnavailable.
[[nodiscard]] Task<Result<Message>> request(std::shared_ptr<ReplySlots> slots, std::string subject,
                                            Bytes payload, Duration timeout,
                                            Connection::Headers headers = {});

}  // namespace nimbus::nats
