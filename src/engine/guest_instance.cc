#include "engine/guest_instance.h"

#include <utility>

#include "base/check.h"
#include "engine/ffi.h"

namespace nimbus::engine {

GuestInstance::Call::~Call() { giveUp(); }

void GuestInstance::Call::giveUp() {
  if (raw_ == nullptr) return;
  const bool occupies_instance = nimbus_guest_call_free(std::exchange(raw_, nullptr)) != 0;
  if (link_ == nullptr) return;  // done
  unlink();
  if (occupies_instance) {
    instance_->ended_ = true;
    instance_->wake();
  }
}

void GuestInstance::Call::unlink() {
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  link_ = nullptr;
}

GuestInstance::GuestInstance(Poller& poller, std::shared_ptr<const Component> component,
                             const GuestContext& context, std::uint32_t max_concurrent,
                             Owner& owner)
    : poller_(poller), component_(std::move(component)), owner_(owner) {
  const NimbusWake wake = poller_.add(*this);
  token_ = wake.token;
  raw_ = nimbus_guest_new(component_->linked(), context.raw(), max_concurrent, wake);
  NIMBUS_CHECK(raw_ != nullptr);
}

GuestInstance::~GuestInstance() {
  poller_.remove(token_);
  nimbus_guest_free(raw_);
}

void GuestInstance::submit(Call& call, std::uint32_t function, const NimbusPieces& params,
                           NimbusChannels channels, std::optional<TimePoint> deadline) {
  if (idle()) cpu_time_ = Duration::zero();
  call.instance_ = this;
  call.next_ = first_;
  call.link_ = &first_;
  if (first_ != nullptr) first_->link_ = &call.next_;
  first_ = &call;
  const auto done = [](void* context, const NimbusOutcome* outcome, NimbusOwnedBytes results,
                       const NimbusOutgoing* outgoing, std::size_t outgoing_count) {
    auto& ended = *static_cast<Call*>(context);
    ended.unlink();
    ++ended.instance_->done_;
    ended.onDone(*outcome, results, outgoing, outgoing_count);
  };
  const std::int64_t deadline_ns =
      deadline ? Duration(deadline->time_since_epoch()).count() : std::int64_t{0};
  call.raw_ = nimbus_guest_call(raw_, function, &params, channels, deadline_ns, &call, done);
  NIMBUS_CHECK(call.raw_ != nullptr);
}

void GuestInstance::dropResource(ByteView handle) { nimbus_guest_drop(raw_, toStr(handle)); }

bool GuestInstance::owns(ByteView handle) const {
  return nimbus_guest_owns(raw_, toStr(handle)) != 0;
}

std::size_t GuestInstance::poll() {
  done_ = 0;
  if (poller_.isPolling()) {
    wake();
  } else {
    pollOnce();
  }
  return done_;
}

void GuestInstance::pollOnce() {
  if (ended_) return;
  poller_.beginPoll(token_);
  component_->slices().beforePoll(poller_.pollBegan());
  const auto polled = static_cast<Poller::Polled>(nimbus_guest_poll(raw_));
  if (polled == Poller::Polled::kDone) ended_ = true;
  cpu_time_ += poller_.cpuOfPoll();
  if (polled == Poller::Polled::kCutShort)
    component_->slices().cutShort(cpu_time_, poller_.pollBegan());
  poller_.endPoll(ended_ ? Poller::Polled::kDone : polled);
}

void GuestInstance::onWake() {
  pollOnce();
  owner_.onPolled(*this);
}

}  // namespace nimbus::engine
