#include "engine/poller.h"

#include <chrono>
#include <memory>
#include <thread>

#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Passes over the woken clients in one turn of the loop, and when no further one begins.
constexpr int kMaxPasses = 8;
constexpr Duration kMaxPassesTime = std::chrono::milliseconds(1);

}  // namespace

// Shared with the wakers, and outlives the poller as long as one of them exists.
class Poller::Queue final {
 public:
  explicit Queue(Poller& poller) : poller_(&poller), thread_(std::this_thread::get_id()) {}

  void retain() { references_.fetch_add(1, std::memory_order_release); }
  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  struct GiveBack {
    void operator()(Queue* queue) const { queue->release(); }
  };
  using Held = std::unique_ptr<Queue, GiveBack>;
  // A reference of one's own.
  [[nodiscard]] Held hold() {
    retain();
    return Held(this);
  }

  // The poller is going away; wakes from now on mean nothing.
  void close() {
    const std::lock_guard lock(mutex_);
    poller_ = nullptr;
  }

  // On the shard's thread.
  [[nodiscard]] bool isClosed() const { return poller_ == nullptr; }

  void wake(std::uint64_t token) {
    // Whoever wakes holds a reference, so all that was done before it was taken is seen. The means
    // by which Rust passed it on from thread to thread say so too, but not to TSan.
    (void)references_.load(std::memory_order_acquire);
    if (std::this_thread::get_id() == thread_) {
      wakeLocally(token);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (poller_ == nullptr) return;
    remote_.push_back(token);
    if (remote_.size() > 1) return;
    // Released also if the shard ends before it runs.
    poller_->shard_.post([self = hold()] { self->collect(); });
  }

  [[nodiscard]] bool anyReady() const { return !ready_.empty(); }
  [[nodiscard]] std::vector<std::uint64_t> takeReady() { return std::exchange(ready_, {}); }
  // Gives the emptied vector back, so that its memory is used again.
  void recycle(std::vector<std::uint64_t> used) {
    used.clear();
    if (ready_.empty()) ready_.swap(used);
  }

  std::uint64_t polling_ = 0;
  bool woke_itself_ = false;
  bool in_passes_ = false;  // runDeferred() looks for what is woken by itself

 private:
  ~Queue() = default;

  void wakeLocally(std::uint64_t token) {
    if (token == polling_) {
      woke_itself_ = true;
      return;
    }
    if (poller_ == nullptr) return;
    ready_.push_back(token);
    if (!in_passes_) poller_->shard_.defer(*poller_);
  }

  void collect() {
    std::vector<std::uint64_t> tokens;
    {
      const std::lock_guard lock(mutex_);
      tokens.swap(remote_);
    }
    for (const std::uint64_t token : tokens) wakeLocally(token);
  }

  std::atomic<std::uint64_t> references_{1};
  std::mutex mutex_;
  Poller* poller_;  // changed under the mutex, on the shard's thread
  const std::thread::id thread_;
  std::vector<std::uint64_t> ready_;
  std::vector<std::uint64_t> remote_;
};

Poller::Poller(net::Shard& shard) : shard_(shard), queue_(new Queue(*this)) {}

Poller::~Poller() {
  queue_->close();
  queue_->release();
}

NimbusWake Poller::add(Client& client) {
  const std::uint64_t token = next_token_++;
  clients_.emplace(token, &client);
  queue_->retain();
  return NimbusWake{
      .wake = [](void* queue, std::uint64_t woken) { static_cast<Queue*>(queue)->wake(woken); },
      .release = [](void* queue) { static_cast<Queue*>(queue)->release(); },
      .queue = queue_,
      .token = token,
  };
}

void Poller::remove(std::uint64_t token) { clients_.erase(token); }

void Poller::wake(std::uint64_t token) { queue_->wake(token); }

void Poller::beginPoll(std::uint64_t token, SliceHistory& slices) {
  queue_->polling_ = token;
  queue_->woke_itself_ = false;
  meter_.begin();
  slices_ = &slices;
  slices.beforePoll(meter_.began());
}

void Poller::endPoll(Polled polled) {
  const std::uint64_t token = std::exchange(queue_->polling_, 0);
  if (polled == Polled::kDone || !queue_->woke_itself_) return;
  if (polled == Polled::kPending) {
    queue_->wake(token);
    return;
  }
  cut_short_.push_back(token);
  shard_.deferUntilIdle(resume_);
}

void Poller::resumeCutShort() {
  // Polled at the end of this turn or in the next one, as all that were woken are.
  queue_->wake(cut_short_.front());
  cut_short_.pop_front();
}

std::string Poller::takeTrace() {
  const Bytes trace = fromOwned(nimbus_take_trace());
  // Wasmtime's words before it are those of a trap: "error while executing at".
  const std::size_t begin = trace.text().find("wasm backtrace:");
  if (begin == std::string_view::npos) return {};
  return "\n" + std::string(trace.text().substr(begin));
}

bool Poller::wokeItself() const { return queue_->woke_itself_; }

bool Poller::isPolling() const { return queue_->polling_ != 0; }

// What is woken by a pass, such as an instance whose next call was waiting, has its turn in the
// next pass: so many calls share what a turn of the loop costs, and their answers leave together.
// But not for long, so that one busy guest does not keep the sockets waiting.
void Poller::runDeferred() {
  const Queue::Held queue = queue_->hold();
  const TimePoint began = std::chrono::steady_clock::now();
  queue_->in_passes_ = true;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    if (!runPass(*queue)) return;
    if (!queue->anyReady() || std::chrono::steady_clock::now() - began > kMaxPassesTime) break;
  }
  queue_->in_passes_ = false;
  if (queue->anyReady()) shard_.defer(*this);
  if (!cut_short_.empty()) shard_.deferUntilIdle(resume_);  // the next one
}

// False if this object is gone.
bool Poller::runPass(Queue& queue) {
  std::vector<std::uint64_t> ready = queue.takeReady();
  for (const std::uint64_t token : ready) {
    const auto found = clients_.find(token);
    if (found == clients_.end()) continue;
    found->second->onWake();
    if (queue.isClosed()) return false;  // the last client's owner has ended the poller too
  }
  queue.recycle(std::move(ready));
  return true;
}

}  // namespace nimbus::engine
