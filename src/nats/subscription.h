#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "nats/message.h"
#include "net/shard.h"

namespace nimbus::nats {

// Who receives what is published to a subscription, on the shard it was made for. A call may end
// the subscription, also the one that it is made for.
class Subscriber {
 public:
  virtual void received(Message message) = 0;
  // Something was published that wants its answer within this subscription, and nobody listens. The
  // library does not say which.
  virtual void noResponders() = 0;
  // Messages were lost, because more came than may wait. The subscription goes on.
  virtual void lost(Error why) = 0;

 protected:
  ~Subscriber() = default;
};

struct SubscribeOptions {
  std::string subject;
  // Of all subscriptions with one name, one gets each message; empty: every subscription gets it.
  std::string queue_group = {};
  // What may wait between the connection's shard and the subscriber's.
  std::size_t max_waiting_messages = 8192;
  std::size_t max_waiting_bytes = 32 * 1024 * 1024;
};

class Link;

// Destroying it, on its shard, ends it: the subscriber is not called any more.
class Subscription {
 public:
  struct State;
  Subscription(std::shared_ptr<Link> link, std::shared_ptr<State> state);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

 private:
  std::shared_ptr<Link> link_;
  std::shared_ptr<State> state_;
};

}  // namespace nimbus::nats
