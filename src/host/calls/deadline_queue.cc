#include "host/calls/deadline_queue.h"

namespace nimbus::host {

DeadlineQueue::DeadlineQueue(net::Shard& shard, Duration timeout)
    : shard_(shard), timeout_(timeout), timer_(shard, [this] { fire(); }) {}

DeadlineQueue::Entry::Entry(DeadlineQueue& queue)
    : queue_(&queue), when_(queue.shard_.now() + queue.timeout_) {
  if (queue.timeout_ == Duration::zero()) {
    queue_ = nullptr;
    return;
  }
  previous_ = queue.last_;
  (previous_ != nullptr ? previous_->next_ : queue.first_) = this;
  queue.last_ = this;
  if (previous_ == nullptr) queue.timer_.armAt(when_);
}

DeadlineQueue::Entry::~Entry() { unlink(); }

void DeadlineQueue::Entry::unlink() {
  if (queue_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
  queue_ = nullptr;
}

DeadlineQueue::~DeadlineQueue() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void DeadlineQueue::fire() { fireUntil(shard_.now()); }

void DeadlineQueue::expireAll() { fireUntil(TimePoint::max()); }

void DeadlineQueue::fireUntil(TimePoint now) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  while (first_ != nullptr && first_->when_ <= now) {
    Entry* due = first_;
    due->unlink();
    due->onDeadline();
    if (destroyed) return;
  }
  destroyed_ = nullptr;
  if (first_ != nullptr) timer_.armAt(first_->when_);
}

}  // namespace nimbus::host
