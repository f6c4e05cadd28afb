#include "host/workload/permits.h"

namespace nimbus::host {

// On the frame of a waiting acquire(). A waiter that is destroyed leaves the list, or passes on the
// permit it had been given meanwhile.
struct Permits::Waiter {
  explicit Waiter(Permits& owner)
      : permits(owner), place(owner.waiting_.insert(owner.waiting_.end(), this)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    if (!granted.isSet()) permits.waiting_.erase(place);
  }

  Permits& permits;
  std::list<Waiter*>::iterator place;
  Permit permit;
  Event granted;
};

void Permit::release() {
  if (from_ != nullptr) std::exchange(from_, nullptr)->giveBack();
}

std::optional<Permit> Permits::tryAcquire() {
  if (free_ == 0 || !waiting_.empty()) return std::nullopt;
  --free_;
  return Permit(*this);
}

Task<Permit> Permits::acquire() {
  if (auto permit = tryAcquire()) co_return *std::move(permit);
  Waiter waiter(*this);
  co_await waiter.granted.wait();
  co_return std::move(waiter.permit);
}

void Permits::giveBack() {
  ++free_;
  if (!waiting_.empty()) shard_.defer(*this);
}

Permits::~Permits() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Permits::runDeferred() {
  bool destroyed = false;
  destroyed_ = &destroyed;
  while (free_ > 0 && !waiting_.empty()) {
    Waiter* next = waiting_.front();
    waiting_.pop_front();
    --free_;
    next->permit = Permit(*this);
    next->granted.set();  // may be the end of this object
    if (destroyed) return;
  }
  destroyed_ = nullptr;
}

}  // namespace nimbus::host
