#include "engine/command_call.h"

#include "base/check.h"

namespace nimbus::engine {

CommandCall::CommandCall(Poller& poller, std::shared_ptr<const Component> component,
                         const GuestContext& context, Duration cpu_limit)
    : poller_(poller), component_(std::move(component)), cpu_limit_(cpu_limit) {
  const NimbusWake wake = poller_.add(*this);
  token_ = wake.token;
  call_ = nimbus_call_command(
      component_->linked(), context.raw(), this,
      [](void* self, const NimbusOutcome* outcome) {
        static_cast<CommandCall*>(self)->outcome_ = outcomeOf(*outcome);
      },
      wake);
  NIMBUS_CHECK(call_ != nullptr);
}

CommandCall::~CommandCall() {
  poller_.remove(token_);
  nimbus_call_free(call_);
}

Task<CallOutcome> CommandCall::run() {
  poller_.wake(token_);
  co_await ended_.wait();
  co_return outcome_.value_or(
      CallOutcome{CallOutcome::Kind::kHostFailure, 0, "the run ended without an outcome"});
}

void CommandCall::onWake() {
  if (ended_.isSet()) return;
  poller_.beginPoll(token_, component_->slices());
  const auto polled = static_cast<Poller::Polled>(nimbus_call_poll(call_));
  bool ended = polled == Poller::Polled::kDone;
  const Duration used = poller_.cpuOfPoll();
  cpu_time_ += used;
  if (polled == Poller::Polled::kCutShort) {
    stretch_ += used;
    poller_.cutShort(stretch_);
  }
  const bool over_limit = !ended && cpu_time_ > cpu_limit_;
  ended = ended || over_limit;
  poller_.endPoll(ended ? Poller::Polled::kDone : polled);
  if (over_limit) endForCpu(polled);
  if (polled != Poller::Polled::kCutShort && !poller_.wokeItself()) stretch_ = Duration::zero();
  if (ended) ended_.set();  // may destroy this
}

void CommandCall::endForCpu(Poller::Polled last) {
  std::string place;
  if (last == Poller::Polled::kCutShort) {
    place = poller_.traceOf([this] {
      poller_.beginPoll(token_, component_->slices());
      (void)nimbus_call_poll(call_);
      cpu_time_ += poller_.cpuOfPoll();
      poller_.endPoll(Poller::Polled::kDone);
    });
  }
  if (outcome_) return;  // it has ended meanwhile
  outcome_ = {CallOutcome::Kind::kCpuLimit, 0, "the command used up its CPU time" + place};
}

}  // namespace nimbus::engine
