#include "engine/warm_instance.h"

#include "base/check.h"

namespace nimbus::engine {

WarmInstance::WarmInstance(Poller& poller, std::shared_ptr<const Component> component,
                           const GuestContext& context, std::uint32_t max_concurrent, Owner& owner)
    : poller_(poller), component_(std::move(component)), owner_(owner) {
  const NimbusWake wake = poller_.add(*this);
  token_ = wake.token;
  worker_ = nimbus_worker_new(component_->linked(), context.raw(), max_concurrent, wake);
  NIMBUS_CHECK(worker_ != nullptr);
  poller_.wake(token_);
}

WarmInstance::~WarmInstance() {
  poller_.remove(token_);
  nimbus_worker_free(worker_);
  changes_.notifyAll();
}

void WarmInstance::keep(Beside beside) {
  nimbus_worker_keep(worker_, beside == Beside::kRun ? 1 : 0, this,
                     [](void* self, const NimbusOutcome* outcome) {
                       static_cast<WarmInstance*>(self)->kept_outcome_ = outcomeOf(*outcome);
                     });
}

void WarmInstance::submit(Exchange& exchange) {
  exchange.reportTo(changes_);
  nimbus_worker_submit(worker_, exchange.raw());
}

void WarmInstance::close() { nimbus_worker_close(worker_); }

std::string WarmInstance::place() {
  if (ended_ || !computes_ || poller_.isPolling()) return {};
  return poller_.traceOf([this] { onWake(); });
}

void WarmInstance::onWake() {
  if (ended_) return;
  poller_.beginPoll(token_, component_->slices());
  const auto polled = static_cast<Poller::Polled>(nimbus_worker_poll(worker_));
  ended_ = polled == Poller::Polled::kDone;
  computes_ = polled == Poller::Polled::kCutShort;
  const Duration cpu = poller_.cpuOfPoll();
  poller_.endPoll(polled);
  if (computes_) {
    stretch_ += cpu;
    poller_.cutShort(stretch_);
  } else if (ended_ || !poller_.wokeItself()) {
    stretch_ = Duration::zero();
  }

  // Moved out: a notified exchange may destroy this instance.
  Exchange::ChangeList changes;
  changes.takeFrom(changes_);
  owner_.onPolled(*this, cpu, stretch_);
  if (ended_) owner_.onEnded(*this);
  changes.notifyAll();
}

}  // namespace nimbus::engine
