#include "engine/guest_instance.h"

#include <utility>

#include "base/check.h"
#include "engine/ffi.h"
#include "engine/guest_channels.h"

namespace nimbus::engine {

GuestInstance::Call::~Call() { giveUp(); }

void GuestInstance::Call::giveUp() {
  if (raw_ == nullptr) return;
  const bool occupies_instance = nimbus_guest_call_free(std::exchange(raw_, nullptr)) != 0;
  if (instance_ == nullptr) return;  // done
  GuestInstance& instance = leave();
  if (occupies_instance) instance.end();
}

GuestInstance& GuestInstance::Call::leave() {
  GuestInstance& instance = *std::exchange(instance_, nullptr);
  --instance.calls_;
  return instance;
}

GuestInstance::GuestInstance(Poller& poller, std::shared_ptr<const Component> component,
                             const GuestContext& context, Limits limits, Owner& owner)
    : poller_(poller), component_(std::move(component)), limits_(limits), owner_(owner) {
  const NimbusWake wake = poller_.add(*this);
  token_ = wake.token;
  raw_ = nimbus_guest_new(component_->linked(), context.raw(), limits_.max_concurrent, wake);
  NIMBUS_CHECK(raw_ != nullptr);
}

GuestInstance::~GuestInstance() {
  poller_.remove(token_);
  nimbus_guest_free(raw_);
}

void GuestInstance::submit(Call& call, std::uint32_t function, wrpc::Values&& params,
                           TimePoint deadline, std::uint64_t owner) {
  if (idle()) cpu_time_ = Duration::zero();
  call.instance_ = this;
  ++calls_;
  NimbusGuestCallRequest request;
  lend(params.bytes, pieces_, request.params);
  request.channels = lendChannels(std::move(params));
  request.deadline_ns = Duration(deadline.time_since_epoch()).count();
  request.context = &call;
  request.done = [](void* context, const NimbusOutcome* outcome, const NimbusReturned* returned) {
    auto& ended = *static_cast<Call*>(context);
    ++ended.leave().done_;
    ended.onDone(*outcome, *returned);
  };
  request.function = function;
  request.owner = owner;
  call.raw_ = nimbus_guest_call(raw_, &request);
  NIMBUS_CHECK(call.raw_ != nullptr);
}

void GuestInstance::submit(Exchange& exchange, Exchange::ChangeList& changes, TimePoint deadline) {
  if (idle()) cpu_time_ = Duration::zero();
  exchanges_.push_back({&exchange, deadline});
  ++calls_;
  exchange.reportTo(changes);
  nimbus_guest_submit(raw_, exchange.raw());
}

void GuestInstance::forgetReleased() {
  const auto released = static_cast<std::int64_t>(
      std::erase_if(exchanges_, [](const Served& served) { return served.exchange->released(); }));
  calls_ -= released;
  done_ += released;
}

void GuestInstance::dropResource(ByteView handle) { nimbus_guest_drop(raw_, toStr(handle)); }

bool GuestInstance::owns(ByteView handle) const {
  return nimbus_guest_owns(raw_, toStr(handle)) != 0;
}

std::int64_t GuestInstance::poll() {
  if (!poller_.isPolling()) return pollOnce();
  wake();
  return 0;
}

std::int64_t GuestInstance::pollOnce() {
  if (ended_) return 0;
  done_ = 0;
  poller_.beginPoll(token_, component_->slices());
  const auto polled = static_cast<Poller::Polled>(nimbus_guest_poll(raw_));
  if (polled == Poller::Polled::kDone) ended_ = true;
  forgetReleased();
  if (done_ > 0 && idle() && polled == Poller::Polled::kPending) {
    cpu_time_ = Duration::zero();  // nobody is left to be told of it: the clock is not read
  } else {
    cpu_time_ += poller_.cpuOfPoll();
    if (polled == Poller::Polled::kCutShort) poller_.cutShort(cpu_time_);
    cpu_time_ -= std::min(cpu_time_, limits_.cpu_per_call * done_);
  }
  poller_.endPoll(ended_ ? Poller::Polled::kDone : polled);
  return done_;
}

void GuestInstance::onWake() {
  pollOnce();
  owner_.onPolled(*this);
}

}  // namespace nimbus::engine
