#include "net/shard.h"
#include "net/shard_impl.h"

namespace nimbus::net {

struct Timer::Impl final : TimerNode {
  Impl(TimerHeap& owner, std::move_only_function<void()> callback)
      : timers(owner), fired(std::move(callback)) {}

  void fire() override {
    // The callback may destroy the timer, and with it this object and its own captures: so it runs
    // from the stack and goes back only if we still live.
    bool destroyed = false;
    destroyed_flag = &destroyed;
    auto running = std::move(fired);
    running();
    if (destroyed) return;
    destroyed_flag = nullptr;
    fired = std::move(running);
  }

  TimerHeap& timers;
  std::move_only_function<void()> fired;
  bool* destroyed_flag = nullptr;
};

Timer::Timer(Shard& shard, std::move_only_function<void()> fired)
    : impl_(std::make_unique<Impl>(shard.impl().timers, std::move(fired))), shard_(shard) {}

Timer::~Timer() {
  if (impl_->destroyed_flag != nullptr) *impl_->destroyed_flag = true;
  impl_->timers.remove(*impl_);
}

void Timer::armAt(TimePoint when) { impl_->timers.arm(*impl_, when); }
void Timer::armAfter(Duration duration) { armAt(shard_.now() + duration); }
void Timer::disarm() { impl_->timers.disarm(*impl_); }

}  // namespace nimbus::net
