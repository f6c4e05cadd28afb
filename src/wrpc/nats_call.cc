#include "wrpc/nats_call.h"

#include <utility>

#include <fmt/format.h>

#include "wrpc/call_guard.h"
#include "wrpc/nats_identity.h"
#include "wrpc/nats_status.h"
#include "wrpc/nats_subject.h"

namespace nimbus::wrpc {
namespace {

constexpr std::string_view kResults = "results";

}  // namespace

NatsCall::NatsCall(std::shared_ptr<nats::ReplySlots> slots,
                   std::shared_ptr<const NatsTarget> target, const TupleShape* results,
                   Registry& registry)
    : slots_(std::move(slots)),
      target_(std::move(target)),
      registry_(&registry),
      unsent_(target_->budget),
      held_(target_->budget),
      output_(slots_->shard(), slots_->connection()),
      results_(results),
      root_(results, target_->options.max_root_bytes),
      timer_(slots_->shard(), [this] { expire(); }) {
  registry_->insert(this);
}

NatsCall::~NatsCall() {
  if (registry_ != nullptr) registry_->erase(this);
  releaseSlot();
}

// A provider that was not told goes on sending; with streams it may do so for long.
void NatsCall::releaseSlot() {
  const bool over = root_.ended() || (brief_ && root_.complete());
  if (slot_ && (!over || channels_)) slot_->retire();
  slot_.reset();
}

Task<Result<Values>> NatsCall::run(std::shared_ptr<NatsCall> call, TimePoint deadline,
                                   std::shared_ptr<const nats::Connection::Headers> headers,
                                   FunctionId function, Values params) {
  CallGuard guard(*call);
  if (call->failure_) co_return std::unexpected(*call->failure_);  // the session has gone
  if (auto invoked = call->invoke(*headers, function, std::move(params)); !invoked) {
    co_return std::unexpected(call->report(std::move(invoked).error(), function));
  }
  call->timer_.armAt(deadline);
  while (!call->root_.complete() && !call->failure_) {
    call->news_.clear();
    co_await call->news_.wait();
  }
  if (call->failure_) co_return std::unexpected(call->report(*call->failure_, function));
  guard.release();
  if (call->target_->options.on_answer) call->target_->options.on_answer();
  co_return call->takeResults();
}

// Everything up to the handshake.
Result<void> NatsCall::invoke(const nats::Connection::Headers& headers, FunctionId function,
                              Values params) {
  nats::Connection& connection = slots_->connection();
  TRY(const std::string subject,
      invocationSubject(target_->options.prefix, target_->names[function].view()));
  TRY(auto slot, slots_->take(*this));
  slot_.emplace(std::move(slot));
  rest_ = NatsChunks(std::move(params.bytes));
  parameter_channels_ = std::move(params.channels);
  parameter_source_ = std::move(params.arriving);
  const std::size_t taken = slot_->base().size() + kBriefSuffix.size() + encodedSize(headers);
  const std::size_t limit = connection.maxPayload();
  const std::size_t room = limit > taken ? limit - taken : 0;
  brief_ = mayBeBrief(room);
  const std::string& base = slot_->base();
  TRY_VOID(connection.publish(subject, brief_ ? base + std::string(kBriefSuffix) : base, headers,
                              rest_.next(room)));
  if (rest_.empty()) unsent_.releaseAll();
  return {};
}

// Whether all parameters go with the invocation, and the results tell their own end.
bool NatsCall::mayBeBrief(std::size_t room_bytes) const {
  return results_ != nullptr && !results_->mayHaveChannels() && rest_.size() <= room_bytes &&
         parameter_channels_.empty() && parameter_source_ == nullptr;
}

// Without types, a root that ended before any sub-channel began is taken to have none.
bool NatsCall::mayHaveChannels() const {
  if (channels_) return true;
  return results_ != nullptr ? results_->mayHaveChannels() : !root_.ended();
}

Values NatsCall::takeResults() {
  returned_ = true;
  Values results;
  results.bytes = root_.take();
  held_.releaseAll();
  if (!mayHaveChannels()) {
    timer_.disarm();
    return results;
  }
  results.arriving = channels().source();
  finishIfAllEnded();
  watchProgress();
  tasks_.spawn(watchReaders(shared_from_this()));
  return results;
}

// With types, each channel's own end says enough, and another may still begin.
void NatsCall::finishIfAllEnded() {
  if (results_ == nullptr && channels_ && root_.ended() && open_channels_.empty()) {
    channels_->finish();
  }
}

void NatsCall::received(std::string_view below, nats::Message message) {
  const auto self = shared_from_this();  // whoever continues may let the call go
  arrived_ += 1;
  if (auto accepted = accept(below, std::move(message)); !accepted) {
    return breakOff(std::move(accepted).error());
  }
  if (!returned_ && root_.complete()) news_.set();
}

Result<void> NatsCall::accept(std::string_view below, nats::Message message) {
  if (brief_ && below.starts_with(kBriefSuffix)) below.remove_prefix(kBriefSuffix.size());
  const auto meaning = parseReceived(below, kResults, target_->options.channels.max_path_depth);
  if (!meaning) return fail(ErrorCode::kProtocol, "a message at a subject that means nothing");
  if (meaning->kind == ReceivedSubject::Kind::kHandshake) return acceptHandshake(message);
  if (meaning->path.empty()) return acceptRoot(std::move(message));
  return acceptChannel(meaning->path, std::move(message));
}

Result<void> NatsCall::acceptHandshake(const nats::Message& message) {
  if (std::exchange(shaken_, true)) return {};
  TRY_VOID(checkStatus(message.status()));
  if (message.reply().empty()) {
    return fail(ErrorCode::kProtocol, "the provider does not say where parameters go");
  }
  output_.setRoot(std::string(message.reply()) + ".params");
  if (rest_.empty() && parameter_channels_.empty() && parameter_source_ == nullptr) {
    return output_.endRoot();
  }
  tasks_.spawn(sendParameters(shared_from_this()));
  return {};
}

Result<void> NatsCall::acceptRoot(nats::Message message) {
  if (message.payload().empty()) TRY_VOID(checkStatus(message.status()));
  if (returned_ && !message.payload().empty()) {
    return fail(ErrorCode::kProtocol, "there are bytes behind the results");
  }
  if (!held_.hold(message.payload().size())) {
    return fail(ErrorCode::kResourceExhausted, "the results of all calls are too much");
  }
  TRY_VOID(root_.push(std::move(message)));
  finishIfAllEnded();
  return {};
}

Result<void> NatsCall::acceptChannel(const IndexPath& path, nats::Message message) {
  root_.channelBegan();
  if (returned_ && channels_ && channels_->abandoned()) return {};
  if (message.payload().empty()) {
    TRY_VOID(channels().end(path));
    open_channels_.erase(path);
    finishIfAllEnded();
    return {};
  }
  if (results_ == nullptr) open_channels_.insert(path);
  if (open_channels_.size() > target_->options.channels.max_channels)
    return fail(ErrorCode::kResourceExhausted, "too many sub-channels are open");
  const std::size_t count = message.payload().size();
  if (count < ByteChain::kShareBytes) return channels().push(path, message.payload());
  return channels().push(path, std::move(message).takePayload());
}

void NatsCall::noResponders() { breakOff(Error(ErrorCode::kNotFound, "nobody serves it")); }

Task<void> NatsCall::sendParameters(std::shared_ptr<NatsCall> call) {
  auto sent = co_await call->output_.sendRoot(std::move(call->rest_));
  call->unsent_.releaseAll();
  if (sent) {
    sent = co_await call->output_.sendChannels(std::move(call->parameter_channels_),
                                               std::move(call->parameter_source_));
  }
  // Last, so that a provider that knows no types knows that no channel follows.
  if (sent) sent = call->output_.endRoot();
  if (!sent) call->breakOff(std::move(sent).error());
}

// Results that nobody reads any more end the call.
Task<void> NatsCall::watchReaders(std::shared_ptr<NatsCall> call) {
  co_await call->channels_->untilAbandoned();
  call->timer_.disarm();
  call->releaseSlot();
}

// Tasks, one of which may be running, end at the end of this turn; so does the call, for whoever
// waits for it takes them along.
void NatsCall::breakOff(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  if (channels_) channels_->fail(*failure_);
  slots_->shard().defer(*this);
}

void NatsCall::runDeferred() {
  const auto self = shared_from_this();
  tasks_.cancelAll();
  if (!returned_) news_.set();
}

void NatsCall::watchProgress() {
  progress_ = arrived_ + output_.progress();
  timer_.armAfter(target_->options.stall_timeout);
}

void NatsCall::expire() {
  if (!returned_) {
    return breakOff(Error(ErrorCode::kDeadlineExceeded, "no results in time"));
  }
  if (progress_ != arrived_ + output_.progress()) return watchProgress();
  breakOff(Error(ErrorCode::kDeadlineExceeded, "nothing comes for the results' streams"));
}

void NatsCall::end() {
  const auto self = shared_from_this();
  if (registry_ != nullptr) registry_->erase(this);
  registry_ = nullptr;
  timer_.disarm();
  releaseSlot();
  if (!failure_) failure_ = Error(ErrorCode::kCancelled, "the call was given up");
  if (channels_) channels_->fail(*failure_);
  tasks_.cancelAll();
}

ChannelTable& NatsCall::channels() {
  if (!channels_) {
    channels_.emplace(slots_->shard(), target_->options.channels, target_->budget);
  }
  return *channels_;
}

Error NatsCall::report(Error error, FunctionId function) const {
  const ErrorCode code = error.code();
  std::string message = fmt::format("{} over NATS failed", target_->names[function].view().text());
  return reported(target_->options.on_failure, {code, std::move(message), std::move(error)});
}

}  // namespace nimbus::wrpc
