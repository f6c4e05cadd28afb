#include "net/shard.h"

#include <algorithm>
#include <coroutine>

#include "net/shard_impl.h"

namespace nimbus::net {
namespace {

thread_local Shard* current_shard = nullptr;

// A queue that grew beyond this in a burst gives its memory back.
constexpr std::size_t kMaxKeptWorkItems = 4096;

// co_await SleepAwaiter(shard, when); destroying it removes the timer.
class SleepAwaiter final : public TimerNode {
 public:
  SleepAwaiter(TimerHeap& timers, TimePoint when) : timers_(timers), when_(when) {}
  ~SleepAwaiter() { timers_.remove(*this); }

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    timers_.arm(*this, when_);
  }
  void await_resume() const {}
  void fire() override { waiting_.resume(); }

 private:
  TimerHeap& timers_;
  TimePoint when_;
  std::coroutine_handle<> waiting_;
};

}  // namespace

Shard::Shard(std::size_t index) : impl_(std::make_unique<Impl>(*this, index)) {}
Shard::~Shard() = default;

Shard* Shard::current() { return current_shard; }
std::size_t Shard::index() const { return impl_->index; }
bool Shard::onThread() const { return current_shard == this; }

TimePoint Shard::now() const {
  return onThread() ? impl_->now() : std::chrono::steady_clock::now();
}

void Shard::post(std::move_only_function<void()> work) { impl_->post(std::move(work)); }

void Shard::defer(Deferred& item) { Impl::link(impl_->deferred, item); }

void Shard::deferUntilIdle(Deferred& item) {
  if (impl_->for_idle == nullptr) impl_->idle_gate.workCame(now());
  Impl::link(impl_->for_idle, item);
}

Task<void> Shard::sleepUntil(TimePoint when) { co_await SleepAwaiter(impl_->timers, when); }
Task<void> Shard::sleepFor(Duration duration) { return sleepUntil(now() + duration); }

Shard::Impl::Impl(Shard& owner, std::size_t shard_index) : shard(owner), index(shard_index) {}

TimePoint Shard::Impl::now() {
  if (!now_known_) {
    now_ = std::chrono::steady_clock::now();
    now_known_ = true;
  }
  return now_;
}

void Shard::Impl::post(Work work) {
  if (current_shard == &shard) {
    local_.push_back(std::move(work));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    remote_.push_back(std::move(work));
    remote_waiting_.store(true);
  }
  if (sleeping_.load() && sleeping_.exchange(false)) loop.wake();
}

void Shard::Impl::run() {
  current_shard = &shard;
  while (!stopping) turn();
  // What was posted too late is destroyed on the thread it was meant for.
  local_.clear();
  std::lock_guard lock(mutex_);
  remote_.clear();
}

// Begins with what the wait at the end of the turn before has told.
void Shard::Impl::turn() {
  runPosted();
  if (!timers.empty() && timers.next() <= now()) {
    timers.fireDue(now());
    idle_gate.busy();
  }
  runDeferred();
  if (stopping) return;
  now_known_ = false;  // read anew by whom the wait tells something
  const bool more_to_do = !local_.empty() || deferred != nullptr;
  if (for_idle != nullptr) {
    lookForIdle(more_to_do);
  } else if (more_to_do) {
    if (loop.wait(Duration::zero()) > 0) idle_gate.busy();
  } else {
    waitForWork(Duration::max());
  }
}

void Shard::Impl::lookForIdle(bool more_to_do) {
  if (more_to_do) {
    idle_gate.busy();
    loop.wait(Duration::zero());
  } else {
    idle_gate.quiet(now());
    waitForWork(idle_gate.left(now()));
  }
  now_known_ = false;
  if (idle_gate.left(now()) > Duration::zero()) return;
  Deferred::moveReversed(for_idle, deferred);
}

void Shard::Impl::runPosted() {
  if (remote_waiting_.load(std::memory_order_relaxed)) {
    std::lock_guard lock(mutex_);
    remote_waiting_.store(false);
    running_.swap(remote_);
    // Own work posted meanwhile follows that of the others.
    for (Work& work : local_) running_.push_back(std::move(work));
    local_.clear();
  } else {
    running_.swap(local_);
  }
  for (Work& entry : running_) {
    Work work = std::move(entry);
    work();
  }
  running_.clear();
  if (running_.capacity() > kMaxKeptWorkItems) running_.shrink_to_fit();
}

void Shard::Impl::runDeferred() {
  // The list was filled from its front: turned round, items run in the order they were deferred.
  // They stay linked meanwhile, so that one can destroy the next.
  Deferred* due = nullptr;
  Deferred::moveReversed(deferred, due);
  while (due != nullptr) {
    Deferred* item = due;
    item->unlink();
    item->runDeferred();
  }
}

void Shard::Impl::link(Deferred*& list, Deferred& item) {
  if (!item.isListed()) item.linkAt(list);
}

void Shard::Impl::waitForWork(Duration limit) {
  Duration wait = limit;
  if (!timers.empty()) {
    const Duration left = timers.next() - std::chrono::steady_clock::now();
    // Whole ones: a timer need not be more precise.
    wait = std::min<Duration>(wait, std::chrono::ceil<std::chrono::milliseconds>(left));
  }
  sleeping_.store(true);
  const bool told = loop.wait(remote_waiting_.load() ? Duration::zero() : wait) > 0;
  sleeping_.store(false, std::memory_order_relaxed);
  if (told || remote_waiting_.load(std::memory_order_relaxed)) idle_gate.busy();
}

}  // namespace nimbus::net
