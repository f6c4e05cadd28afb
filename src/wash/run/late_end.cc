#include "wash/run/late_end.h"

#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "base/running_programs.h"
#include "wash/output/output.h"

namespace nimbus::wash {
namespace {

constexpr std::chrono::milliseconds kTellingBound(500);

}  // namespace

LateEnd::LateEnd(Duration time, std::function<int()> tell) : tell_(std::move(tell)) {
  thread_ = std::thread([this, when = SystemClock().now() + time] { watch(when); });
}

LateEnd::~LateEnd() {
  {
    const std::lock_guard lock(mutex_);
    told_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LateEnd::watch(TimePoint when) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_until(lock, when, [this] { return told_; })) return;
  end();
}

// Under the mutex: no other end is in time from here on.
void LateEnd::end() {
  std::promise<int> told;
  std::future<int> status = told.get_future();
  std::thread([told = std::move(told), tell = tell_]() mutable {
    told.set_value(tell());
  }).detach();
  const bool done = status.wait_for(kTellingBound) == std::future_status::ready;
  endRunningPrograms();
  ::_exit(done ? status.get() : kExitFailed);
}

}  // namespace nimbus::wash
