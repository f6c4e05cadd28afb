#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <variant>

#include "nats/subscription.h"

struct __natsSubscription;  // NOLINT(bugprone-reserved-identifier)

namespace nimbus::nats {

// One subscription as its link (on the home shard) and its subscriber (on its own shard) share it.
// Internal to src/nats.
struct Subscription::State : std::enable_shared_from_this<State> {
  State(net::Shard& on, Subscriber& told, const SubscribeOptions& options)
      : shard(on),
        subscriber(&told),
        max_waiting_messages(options.max_waiting_messages),
        max_waiting_bytes(options.max_waiting_bytes) {}

  // What libnats had for the subscription.
  struct NoResponders {};
  struct Lost {};
  using News = std::variant<Message, NoResponders, Lost>;

  // Home shard: tells the subscriber, at once or through its shard's queue.
  void deliver(News news);

  net::Shard& shard;
  Subscriber* subscriber;  // of `shard`; null once the subscription has ended

  // Of the home shard.
  __natsSubscription* raw = nullptr;  // null once given back to libnats
  std::list<std::shared_ptr<State>>::iterator place;
  bool listed = false;

 private:
  void tell(News news);
  void post(News news);

  const std::size_t max_waiting_messages;
  const std::size_t max_waiting_bytes;
  std::atomic<std::size_t> waiting_messages = 0;
  std::atomic<std::size_t> waiting_bytes = 0;
  bool losing = false;  // home shard's: already told
};

}  // namespace nimbus::nats
