#include "engine/fresh_call.h"

#include "base/check.h"

namespace nimbus::engine {

FreshCall::FreshCall(Poller& poller, std::shared_ptr<const Component> component,
                     const GuestContext& context, std::unique_ptr<Exchange> exchange,
                     Duration cpu_limit)
    : poller_(poller),
      component_(std::move(component)),
      exchange_(std::move(exchange)),
      cpu_limit_(cpu_limit) {
  const NimbusWake wake = poller_.add(*this);
  token_ = wake.token;
  call_ = nimbus_call_http(component_->linked(), context.raw(), exchange_->raw(), wake);
  NIMBUS_CHECK(call_ != nullptr);
}

FreshCall::~FreshCall() {
  poller_.remove(token_);
  nimbus_call_free(call_);
}

void FreshCall::poll() {
  // Once its owner has given the call up, waking the guest would only use the shard's time.
  if (done_ || exchange_->outcome() != nullptr) return;
  pollGuest();
  if (!done_ && cpu_time_ > cpu_limit_) {
    exchange_->abandon(
        {CallOutcome::Kind::kCpuLimit, 0, "the call used up its CPU time" + place()});
    return;
  }
  exchange_->notify();  // may destroy this
}

void FreshCall::pollGuest() {
  poller_.beginPoll(token_, component_->slices());
  const auto polled = static_cast<Poller::Polled>(nimbus_call_poll(call_));
  done_ = polled == Poller::Polled::kDone;
  computes_ = polled == Poller::Polled::kCutShort;
  cpu_time_ += poller_.cpuOfPoll();
  if (computes_) poller_.cutShort(cpu_time_);
  poller_.endPoll(polled);
}

std::string FreshCall::place() {
  if (!computes_ || exchange_->outcome() != nullptr || poller_.isPolling()) return {};
  return poller_.traceOf([this] { pollGuest(); });
}

}  // namespace nimbus::engine
