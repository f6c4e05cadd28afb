#include "host/permits.h"

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

Task<Permit> Permits::acquire() {
  if (free_ > 0 && waiting_.empty()) {
    --free_;
    co_return Permit(*this);
  }
  Waiter waiter(*this);
  co_await waiter.granted.wait();
  co_return std::move(waiter.permit);
}

void Permits::giveBack() {
  ++free_;
  if (!waiting_.empty()) shard_.defer(*this);
}

// One a turn: whoever is granted a permit may destroy this object.
void Permits::runDeferred() {
  if (free_ == 0 || waiting_.empty()) return;
  Waiter* next = waiting_.front();
  waiting_.pop_front();
  --free_;
  next->permit = Permit(*this);
  if (free_ > 0 && !waiting_.empty()) shard_.defer(*this);
  next->granted.set();
}

}  // namespace nimbus::host
