#include "engine/ticker.h"

namespace nimbus::engine {

Ticker::Ticker(Duration first, std::function<Duration()> tick)
    : thread_([this, first, tick = std::move(tick)] {
        std::unique_lock lock(mutex_);
        Duration wait = first;
        while (!stop_.wait_for(lock, wait, [this] { return stopping_; })) wait = tick();
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
