#include "host/calls/service_pool.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace nimbus::host {

using engine::CallOutcome;
using Beside = engine::WarmInstance::Beside;

// Ends the instance with the task that runs it.
class ServicePool::Run {
 public:
  Run(ServicePool& pool, InstanceGate::Permit permit) : pool_(pool) {
    pool_.outcome_.reset();
    pool_.ended_.clear();
    pool_.slot_ = pool_.addSlot(std::move(permit));
    pool_.slot_->instance->keep(pool_.beside_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    const SlotPointer slot = std::exchange(pool_.slot_, nullptr);
    if (slot->instance) pool_.kill(slot);
  }

 private:
  ServicePool& pool_;
};

class ServicePool::Request {
 public:
  explicit Request(ServicePool& pool) : pool_(pool) { ++pool_.requests_; }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() {
    if (--pool_.requests_ > 0 || !pool_.last_) return;
    // Posted: who waits for that may destroy whatever this request still has.
    pool_.environment().poller.shard().post([answered = pool_.answered_] { answered->set(); });
  }

 private:
  ServicePool& pool_;
};

namespace {

Beside besideCalls(const engine::Component& component) {
  const bool runs = component.kind() == engine::ComponentKind::kHttpP3 &&
                    component.info().run_version.starts_with("0.3.");
  return runs ? Beside::kRun : Beside::kNothing;
}

}  // namespace

ServicePool::ServicePool(PoolEnvironment environment)
    : WarmPool(std::move(environment), 1),
      beside_(besideCalls(*this->environment().component)),
      blocked_timer_(this->environment().poller.shard(), [this] { endIfBlocked(); }) {}

Task<CallOutcome> ServicePool::run(std::function<void()> began) {
  auto permit = environment().gate.tryAcquire();
  if (!permit) {
    environment().gate.makeRoom();  // for the next start
    co_return CallOutcome{CallOutcome::Kind::kResources, 0, "the host has no instance left"};
  }
  const Run run(*this, *std::move(permit));
  began();
  co_await ended_.wait();
  co_return *outcome_;
}

void ServicePool::setAbsence(Absence absence) {
  absence_ = std::move(absence);
  dismissWaiting();
}

bool ServicePool::runs() const { return slot_ && slot_->admits; }

Result<void> ServicePool::checkServes() const {
  TRY_VOID(WarmPool::checkServes());
  if (runs()) return {};
  return fail(ErrorCode::kUnavailable, absence_.reason);
}

void ServicePool::refuse(http::ResponseWriter& response, const Error& why) const {
  if (runs() || absence_.comes_back) return WarmPool::refuse(response, why);
  response.sendFailure({503, why.message() + "\n"});
}

Task<void> ServicePool::serve(http::ServerRequest& request, http::ResponseWriter& response,
                              Caller caller) {
  const Request here(*this);
  co_await WarmPool::serve(request, response, caller);
}

Task<void> ServicePool::drain() {
  last_ = true;
  checkBlocked();
  while (requests_ > 0) {
    answered_->clear();
    co_await answered_->wait();
  }
  co_await WarmPool::drain();
}

// What it does beside its calls is not theirs.
bool ServicePool::chargeCalls(const SlotPointer& /*slot*/, Duration /*cpu*/) { return false; }

void ServicePool::endForCpu(const SlotPointer& slot) {
  const std::size_t count = slot->calls.size();  // some may end now
  const std::string place = slot->instance ? slot->instance->place() : std::string();
  const std::string why = fmt::format(
      "it computed for longer than a request may (cpuLimit), with "
      "{} on it{}",
      count, place);
  if (count == 1 && slot->calls.size() == 1 && beside_ == Beside::kNothing) {
    blame(slot, place);
  } else {
    slot->end_reason = "its instance was ended: " + why;
  }
  end(slot, {CallOutcome::Kind::kCpuLimit, 0, why});
}

void ServicePool::onCallTimeout(WarmCall& call) {
  call.expired = true;
  checkBlocked();
  // Last: whoever waits for it goes on.
  call.exchange().expire({CallOutcome::Kind::kTimeout, 0, "the call took longer than its limit"});
}

bool ServicePool::isBlocked() const {
  if (!slot_ || !std::ranges::all_of(slot_->calls, &WarmCall::expired)) return false;
  const std::size_t count = slot_->calls.size();
  return last_ ? count > 0 : count >= maxConcurrency();
}

void ServicePool::checkBlocked() {
  if (isBlocked()) blocked_timer_.armAfter(environment().policy.collateral_grace);
}

void ServicePool::endIfBlocked() {
  if (!isBlocked()) return;
  end(slot_, {CallOutcome::Kind::kTimeout, 0,
              fmt::format("{} requests took longer than their limit and are all that is on it",
                          slot_->calls.size())});
}

void ServicePool::onEnded(engine::WarmInstance& instance) {
  const bool is_of_run = slot_ && slot_->instance.get() == &instance;
  WarmPool::onEnded(instance);
  if (is_of_run) end(slot_, instance.keptOutcome());
}

void ServicePool::end(const SlotPointer& slot, CallOutcome outcome) {
  kill(slot);
  if (slot != slot_) return;
  outcome_ = std::move(outcome);
  ended_.set();
}

}  // namespace nimbus::host
