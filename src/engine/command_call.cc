#include "engine/command_call.h"

#include "base/check.h"

namespace nimbus::engine {

CommandCall::CommandCall(Poller& poller, std::shared_ptr<const Component> component,
                         const GuestContext& context)
    : poller_(poller), component_(std::move(component)) {
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
  poller_.beginPoll(token_);
  const bool ended = nimbus_call_poll(call_) == NIMBUS_POLL_READY;
  poller_.endPoll(ended ? Poller::Polled::kDone : Poller::Polled::kPending);
  if (ended) ended_.set();  // may destroy this
}

}  // namespace nimbus::engine
