#include "wrpc/nats_served_call.h"

#include <utility>

#include <fmt/format.h>

#include "wrpc/nats_identity.h"
#include "wrpc/nats_status.h"
#include "wrpc/nats_subject.h"

namespace nimbus::wrpc {
namespace {

constexpr std::string_view kParams = "params";

}  // namespace

NatsServedCall::NatsServedCall(const NatsServedEnvironment& environment,
                               const NatsServedFunction& function, std::string base,
                               const nats::Message& invocation)
    : environment_(environment),
      function_(function),
      base_(std::move(base)),
      reply_(invocation.reply()),
      brief_(reply_.ends_with(kBriefSuffix)),
      trace_parent_(readTraceParent(invocation)),
      consumer_(environment.sessions.of(readIdentity(invocation))),
      root_(function.parameters.get(), environment.options.max_root_bytes),
      held_(environment.budget),
      output_(environment.shard, environment.connection),
      context_{.consumer = *consumer_.consumer,
               .deadline = {},
               .trace_parent = trace_parent_,
               .results = nullptr} {
  consumer_.calls += 1;
  output_.setRoot(reply_ + ".results");
}

NatsServedCall::~NatsServedCall() {
  // The server ends, or drains for too long.
  if (!ended_) (void)output_.endRoot(statusHeaders(ErrorCode::kUnavailable));
  consumer_.calls -= 1;
}

Task<Result<void>> NatsServedCall::run(nats::Message invocation) {
  auto results = co_await call(std::move(invocation));
  Result<void> answered = failure_   ? std::unexpected(*failure_)
                          : !results ? std::unexpected(std::move(results).error())
                                     : co_await answer(*std::move(results));
  if (answered && failure_) answered = std::unexpected(*failure_);
  // Also what failed has an end: to the peer the results end too early.
  ended_ = true;
  if (answered && !needs_end_) co_return answered;
  Result<void> ended =
      answered ? output_.endRoot() : output_.endRoot(statusHeaders(answered.error().code()));
  if (!answered) co_return answered;
  co_return ended;
}

// Where parameters go, before anything else; but a client that has no more of them need not know.
Result<void> NatsServedCall::begin(nats::Message invocation) {
  if (!brief_) TRY_VOID(shakeHands());
  // An invocation without content does not end the parameters.
  if (invocation.payload().empty()) {
    TRY_VOID(root_.check());
  } else {
    TRY_VOID(acceptRoot(std::move(invocation)));
  }
  if (brief_ && !root_.complete()) return shakeHands();
  return {};
}

Task<Result<Values>> NatsServedCall::call(nats::Message invocation) {
  CO_TRY_VOID(begin(std::move(invocation)));
  if (!root_.complete()) limit(environment_.options.receive_timeout, "the parameters");
  while (!root_.complete() && !failure_) {
    news_.clear();
    co_await news_.wait();
  }
  if (failure_) co_return std::unexpected(*failure_);
  called_ = true;

  Values params;
  params.bytes = root_.take();
  const auto& shape = function_.parameters;
  if (channels_ || (shape != nullptr && shape->mayHaveChannels())) {
    params.arriving = channels().source();
    finishIfAllEnded();
  }
  context_.deadline = environment_.shard.now() + environment_.options.call_timeout;
  auto results = consumer_.session->invoke(context_, function_.id, std::move(params));
  if (results.ready()) co_return results.take();
  co_return co_await await(std::move(results));
}

// Until the results are there, or the time is over.
Task<Result<Values>> NatsServedCall::await(Eventual<Result<Values>> results) {
  limit(environment_.options.call_timeout, "the call");
  working_.spawn(collect(std::move(results)));
  while (!results_ && !failure_) {
    news_.clear();
    co_await news_.wait();
  }
  working_.cancelAll();
  if (failure_) co_return std::unexpected(*failure_);
  co_return *std::exchange(results_, std::nullopt);
}

Task<void> NatsServedCall::collect(Eventual<Result<Values>> results) {
  results_ = co_await std::move(results);
  environment_.shard.defer(*this);
}

Task<Result<void>> NatsServedCall::answer(Values results) {
  if (timer_) timer_->disarm();
  const bool streams = !results.channels.empty() || results.arriving != nullptr;
  needs_end_ = !brief_ || streams || results.bytes.empty();
  CO_TRY_VOID(co_await output_.sendRoot(NatsChunks(std::move(results.bytes))));
  if (!streams) co_return Result<void>{};
  watchProgress();
  working_.spawn(send(std::move(results)));
  while (!sent_ && !failure_) {
    news_.clear();
    co_await news_.wait();
  }
  working_.cancelAll();
  co_return std::move(sending_);
}

Task<void> NatsServedCall::send(Values results) {
  sending_ =
      co_await output_.sendChannels(std::move(results.channels), std::move(results.arriving));
  sent_ = true;
  environment_.shard.defer(*this);
}

void NatsServedCall::received(std::string_view below, nats::Message message) {
  arrived_ += 1;
  const auto meaning = parseReceived(below, kParams, environment_.options.channels.max_path_depth);
  // The base itself is told of a client that has gone without reading; there is no more to it.
  if (!meaning || meaning->kind == ReceivedSubject::Kind::kHandshake) return;
  auto accepted = meaning->path.empty() ? acceptRoot(std::move(message))
                                        : acceptChannel(meaning->path, std::move(message));
  if (!accepted) return breakOff(std::move(accepted).error());
  if (!called_ && root_.complete()) environment_.shard.defer(*this);
}

Result<void> NatsServedCall::acceptRoot(nats::Message message) {
  const std::size_t count = message.payload().size();
  if (called_ && count > 0) {
    return fail(ErrorCode::kProtocol, "there are bytes behind the parameters");
  }
  if (!held_.hold(count)) {
    return fail(ErrorCode::kUnavailable, "the parameters of all calls are too much");
  }
  TRY_VOID(root_.push(std::move(message)));
  finishIfAllEnded();
  return {};
}

Result<void> NatsServedCall::acceptChannel(const IndexPath& path, nats::Message message) {
  root_.channelBegan();
  if (message.payload().empty()) {
    TRY_VOID(channels().end(path));
    open_channels_.erase(path);
    finishIfAllEnded();
    return {};
  }
  if (function_.parameters == nullptr) open_channels_.insert(path);
  if (open_channels_.size() > environment_.options.channels.max_channels)
    return fail(ErrorCode::kResourceExhausted, "too many sub-channels are open");
  if (message.payload().size() < ByteChain::kShareBytes) {
    return channels().push(path, message.payload());
  }
  return channels().push(path, std::move(message).takePayload());
}

// Without types, the end of the root and of all that began is the end of everything; with types,
// each channel's own end says enough, and another may still begin.
void NatsServedCall::finishIfAllEnded() {
  if (function_.parameters == nullptr && channels_ && root_.ended() && open_channels_.empty()) {
    channels_->finish();
  }
}

void NatsServedCall::limit(Duration allowed, std::string_view what) {
  waiting_for_ = what;
  if (!timer_) timer_.emplace(environment_.shard, [this] { expire(); });
  timer_->armAfter(allowed);
}

void NatsServedCall::watchProgress() {
  progress_ = arrived_ + output_.progress();
  limit(environment_.options.stall_timeout, {});
}

void NatsServedCall::expire() {
  if (!waiting_for_.empty()) {
    return breakOff(
        Error(ErrorCode::kDeadlineExceeded, fmt::format("{} took too long", waiting_for_)));
  }
  if (progress_ != arrived_ + output_.progress()) return watchProgress();
  breakOff(Error(ErrorCode::kDeadlineExceeded, "nothing comes or goes any more"));
}

void NatsServedCall::breakOff(Error error) {
  if (!failure_) failure_ = std::move(error);
  if (channels_) channels_->fail(*failure_);
  environment_.shard.defer(*this);
}

ChannelTable& NatsServedCall::channels() {
  if (!channels_) {
    channels_.emplace(environment_.shard, environment_.options.channels, environment_.budget);
  }
  return *channels_;
}

}  // namespace nimbus::wrpc
