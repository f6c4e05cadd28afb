#include "engine/ticker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace nimbus::engine {
namespace {

// Linux' struct sched_attr in its first form, which has no header of its own.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;  // SCHED_NORMAL
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // ns; of one turn
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

constexpr std::uint64_t kShortTurnNs = 100'000;  // the least that Linux gives

// Asks for short turns on a core. Since Linux 6.12 a thread that wakes up takes the core from one
// with longer turns at once; else it waits until that one's turn is over, for 3 ms and more, and
// would come too late to cut anybody short. Where the kernel knows no such turns or forbids it,
// waking up is what it always was.
void askForShortTurns() {
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != 0) return;  // the user has chosen another
  attributes.size = sizeof attributes;
  attributes.runtime = kShortTurnNs;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

Ticker::Ticker(Duration first, std::function<Duration()> tick)
    : thread_([this, first, tick = std::move(tick)] {
        askForShortTurns();
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
