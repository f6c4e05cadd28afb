#include "wrpc/nats_served_call.h"

#include <utility>

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
               .results = nullptr},
      wait_(environment.shard, *this) {
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
  const auto& failure = wait_.failure();
  Result<void> answered = failure    ? std::unexpected(*failure)
                          : !results ? std::unexpected(std::move(results).error())
                                     : co_await answer(*std::move(results));
  if (answered && failure) answered = std::unexpected(*failure);
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
  if (!root_.complete()) wait_.limit(environment_.options.receive_timeout, "the parameters");
  while (!root_.complete() && !wait_.failure()) co_await wait_.news();
  if (wait_.failure()) co_return std::unexpected(*wait_.failure());
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
  wait_.limit(environment_.options.call_timeout, "the call");
  co_return co_await wait_.results(std::move(results));
}

Task<Result<void>> NatsServedCall::answer(Values results) {
  wait_.stopLimiting();
  const bool streams = !results.channels.empty() || results.arriving != nullptr;
  needs_end_ = !brief_ || streams || results.bytes.empty();
  CO_TRY_VOID(co_await output_.sendRoot(NatsChunks(std::move(results.bytes))));
  if (!streams) co_return Result<void>{};
  wait_.limitStalls(environment_.options.stall_timeout);
  co_return co_await wait_.sent(
      output_.sendChannels(std::move(results.channels), std::move(results.arriving)));
}

void NatsServedCall::received(std::string_view below, nats::Message message) {
  arrived_ += 1;
  const auto meaning = parseReceived(below, kParams, environment_.options.channels.max_path_depth);
  // The base itself is told of a client that has gone without reading; there is no more to it.
  if (!meaning || meaning->kind == ReceivedSubject::Kind::kHandshake) return;
  auto accepted = meaning->path.empty() ? acceptRoot(std::move(message))
                                        : acceptChannel(meaning->path, std::move(message));
  if (!accepted) return wait_.giveUp(std::move(accepted).error());
  if (!called_ && root_.complete()) wait_.tell();
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

ChannelTable& NatsServedCall::channels() {
  if (!channels_) {
    channels_.emplace(environment_.shard, environment_.options.channels, environment_.budget);
  }
  return *channels_;
}

}  // namespace nimbus::wrpc
