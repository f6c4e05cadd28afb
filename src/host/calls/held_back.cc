#include "host/calls/held_back.h"

#include <utility>

namespace nimbus::host {

void HeldBack::add(std::shared_ptr<ComponentLog> log) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  logs_.push_back(std::move(log));
  if (logs_.size() == 1) shard_.post([self = shared_from_this()] { self->arm(); });
}

void HeldBack::arm() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
  if (!timer_) timer_.emplace(shard_, [this] { tell(); });
  timer_->armAfter(pause_);
}

void HeldBack::tell() {
  std::vector<std::shared_ptr<ComponentLog>> logs;
  {
    const std::lock_guard lock(mutex_);
    logs.swap(logs_);
  }
  for (const auto& log : logs) log->tellHeldBack();
}

void HeldBack::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  timer_.reset();
  tell();
}

}  // namespace nimbus::host
