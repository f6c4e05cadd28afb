#include "nats/subscription.h"

#include <utility>

#include "nats/link.h"
#include "nats/subscription_state.h"

namespace nimbus::nats {

Subscription::Subscription(std::shared_ptr<Link> link, std::shared_ptr<State> state)
    : link_(std::move(link)), state_(std::move(state)) {}

Subscription::~Subscription() {
  state_->subscriber = nullptr;
  link_->unsubscribe(std::move(state_));
}

void Subscription::State::deliver(News news) {
  if (shard.onThread()) return tell(std::move(news));
  const auto* message = std::get_if<Message>(&news);
  const std::size_t bytes = message != nullptr ? message->payload().size() : 0;
  const bool full = waiting_messages.load(std::memory_order_relaxed) >= max_waiting_messages ||
                    waiting_bytes.load(std::memory_order_relaxed) + bytes > max_waiting_bytes;
  if (full) {
    // Told once per loss, so that the queue stays bounded.
    if (!std::exchange(losing, true)) post(Lost{});
    return;
  }
  losing = false;
  post(std::move(news));
}

void Subscription::State::post(News news) {
  const auto* message = std::get_if<Message>(&news);
  const std::size_t bytes = message != nullptr ? message->payload().size() : 0;
  waiting_messages.fetch_add(1, std::memory_order_relaxed);
  waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
  shard.post([self = shared_from_this(), news = std::move(news), bytes]() mutable {
    self->waiting_messages.fetch_sub(1, std::memory_order_relaxed);
    self->waiting_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    self->tell(std::move(news));
  });
}

void Subscription::State::tell(News news) {
  if (subscriber == nullptr) return;
  if (auto* message = std::get_if<Message>(&news)) {
    subscriber->received(std::move(*message));
  } else if (std::holds_alternative<NoResponders>(news)) {
    subscriber->noResponders();
  } else {
    subscriber->lost(Error(ErrorCode::kResourceExhausted,
                           "messages were lost: more came than the subscription may hold"));
  }
}

}  // namespace nimbus::nats
