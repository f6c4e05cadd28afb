#include "host/calls/instance_gate.h"

namespace nimbus::host {

// One call in the queue; leaves it by itself when it is destroyed.
class InstanceGate::Waiter final : public DeadlineQueue::Entry {
 public:
  Waiter(InstanceGate& gate, std::optional<Counted> counted)
      : Entry(gate.deadlines_),
        gate_(gate),
        counted_(std::move(counted)),
        place_(gate.waiting_.insert(gate.waiting_.end(), this)) {}
  ~Waiter() override {
    leave();
    // Granted, and its owner was destroyed before it took the permit.
    if (granted_ && !taken_) gate_.release();
  }

  void grant() {
    leave();
    granted_ = true;
    decided_.set();
  }
  void onDeadline() override {
    leave();
    decided_.set();
  }

  Event& decided() { return decided_; }
  // Whether there is a permit; then it is the caller's.
  [[nodiscard]] bool take() {
    taken_ = granted_;
    return granted_;
  }

 private:
  void leave() {
    if (std::exchange(queued_, false)) gate_.waiting_.erase(place_);
  }

  InstanceGate& gate_;
  std::optional<Counted> counted_;
  std::list<Waiter*>::iterator place_;
  bool queued_ = true;
  bool granted_ = false;
  bool taken_ = false;
  Event decided_;
};

InstanceGate::InstanceGate(net::Shard& shard, QuotaLease& host_instances, IdleInstances& idle,
                           Quota& own, std::size_t shard_count, const CallPolicy& policy,
                           CallCounters& counters)
    : shard_(shard),
      host_(host_instances),
      idle_(idle),
      own_(own, shard_count),
      counters_(counters),
      max_waiting_(policy.max_queue),
      deadlines_(shard, policy.queue_timeout),
      self_(std::make_shared<InstanceGate*>(this)) {}

InstanceGate::~InstanceGate() { *self_ = nullptr; }

Quota* InstanceGate::takeBoth() {
  if (!own_.take()) return &own_.quota();
  if (host_.take()) return nullptr;
  own_.give();
  return &host_.quota();
}

std::optional<InstanceGate::Permit> InstanceGate::tryAcquire() {
  if (!waiting_.empty() || takeBoth() != nullptr) return std::nullopt;
  return Permit(*this);
}

bool InstanceGate::hostIsFull() {
  Quota* const used_up = takeBoth();
  if (used_up == nullptr) {
    own_.give();
    host_.give();
    return false;
  }
  if (used_up != &host_.quota()) return false;
  idle_.ask(*used_up);
  return true;
}

void InstanceGate::noteIdle(IdleInstances::Entry& entry) {
  idle_.add(entry, own_.quota());
  for (Quota* const quota : {&own_.quota(), &host_.quota()})
    if (quota->someoneWaits()) idle_.ask(*quota);
}

Task<Result<InstanceGate::Permit>> InstanceGate::acquire(Caller caller) {
  return acquire(caller, true);
}

Task<Result<InstanceGate::Permit>> InstanceGate::acquireUncounted() {
  return acquire(Caller::kOutside, false);
}

Task<Result<InstanceGate::Permit>> InstanceGate::acquire(Caller caller, bool counts) {
  if (auto permit = tryAcquire()) co_return std::move(*permit);
  if (caller == Caller::kInstance && hostIsFull())
    co_return fail(ErrorCode::kResourceExhausted, "the host has no instance left");
  auto counted = counts ? Counted::below(max_waiting_, counters_.queued) : std::nullopt;
  if (counts && !counted)
    co_return fail(ErrorCode::kResourceExhausted, "too many requests wait for an instance");
  Waiter waiter(*this, std::move(counted));
  if (waiting_.size() == 1) dispatch();  // otherwise those before it have asked
  co_await waiter.decided().wait();
  if (waiter.take()) co_return Permit(*this);
  co_return fail(ErrorCode::kDeadlineExceeded, "no instance became free in time");
}

void InstanceGate::release() {
  own_.give();
  host_.give();
  dispatch();
}

// Whoever is let in runs at once, and may be the last to need this gate.
void InstanceGate::dispatch() {
  const std::shared_ptr<InstanceGate*> self = self_;
  while (*self != nullptr && !waiting_.empty()) {
    if (Quota* used_up = takeBoth()) return askToBeTold(*used_up);
    waiting_.front()->grant();
  }
}

// The quota calls back from whatever thread gives something back.
void InstanceGate::askToBeTold(Quota& quota) {
  bool InstanceGate::* const tells =
      &quota == &own_.quota() ? &InstanceGate::own_tells_ : &InstanceGate::host_tells_;
  if (std::exchange(this->*tells, true)) return;
  idle_.ask(quota);
  quota.notifyOnce([shard = &shard_, self = self_, tells] {
    shard->post([self, tells] {
      if (*self == nullptr) return;
      (*self)->*tells = false;
      (*self)->dispatch();
    });
  });
}

}  // namespace nimbus::host
