#include "engine/ticker.h"

namespace nimbus::engine {

Ticker::Ticker(Duration interval, std::function<void()> tick)
    : thread_([this, interval, tick = std::move(tick)] {
        std::unique_lock lock(mutex_);
        while (!stop_.wait_for(lock, interval, [this] { return stopping_; })) tick();
      }) {}

Ticker::~Ticker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

}  // namespace nimbus::engine
