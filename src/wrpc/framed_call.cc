#include "wrpc/framed_call.h"

#include <utility>

#include <fmt/format.h>

#include "wrpc/call_guard.h"

namespace nimbus::wrpc {

FramedCall::Connection::Connection(net::Shard& shard, std::unique_ptr<net::Stream> connected,
                                   const FramedTarget& target)
    : stream(std::move(connected)),
      channels(shard, target.options.limits.channels, target.budget),
      input(*stream, channels, target.options.limits.max_root_bytes,
            target.options.limits.channels.read_ahead_bytes, target.budget),
      output(*stream),
      pumps(shard, output) {}

FramedCall::FramedCall(net::Shard& shard, std::shared_ptr<const FramedTarget> target,
                       Registry& registry)
    : shard_(shard),
      target_(std::move(target)),
      registry_(&registry),
      unsent_(target_->budget),
      deadline_(shard, [this] { expire(); }) {
  registry.insert(this);
}

FramedCall::~FramedCall() {
  if (registry_ != nullptr) registry_->erase(this);
}

Task<Result<Values>> FramedCall::run(std::shared_ptr<FramedCall> call,
                                     std::optional<TimePoint> deadline, const TupleShape* results,
                                     FunctionId function, Values params) {
  CallGuard guard(*call);
  if (deadline) call->deadline_.armAt(*deadline);
  auto root = co_await call->exchange(results, function, std::move(params));
  if (!root) {
    co_return std::unexpected(
        call->report(call->failure_ ? *call->failure_ : std::move(root).error(), function));
  }
  guard.release();
  co_return call->finish(*std::move(root), results);
}

Task<Result<ByteChain>> FramedCall::exchange(const TupleShape* results, FunctionId function,
                                             Values params) {
  tasks_.spawn(connect(shared_from_this()));
  while (!connecting_ && !failure_) {
    connected_.clear();
    co_await connected_.wait();
  }
  if (failure_) co_return std::unexpected(*failure_);
  CO_TRY(auto stream, *std::exchange(connecting_, std::nullopt));
  connection_.emplace(shard_, std::move(stream), *target_);

  // If it fails the peer has ended the call; its side of the connection tells how.
  const auto sent = co_await connection_->output.begin(
      encodeHeader(target_->names[function].view()), std::move(params.bytes));
  unsent_.releaseAll();
  if (!sent) {
    all_sent_.set();  // what the channels would deliver goes nowhere
  } else if (params.channels.empty() && params.arriving == nullptr) {
    all_sent_.set();
    (void)co_await connection_->output.finish();
  } else {
    tasks_.spawn(sendParameters(shared_from_this(), std::move(params)));
  }
  co_return co_await connection_->input.root(results);
}

// The root is there. What may still come and go does so without the caller's coroutine.
Values FramedCall::finish(ByteChain root, const TupleShape* results) {
  deadline_.disarm();
  if (target_->options.on_answer) target_->options.on_answer();
  Values values;
  values.bytes = std::move(root);
  FrameInput& input = connection_->input;
  input.rootTaken();
  ChannelTable& channels = connection_->channels;
  const bool may_have_channels = results == nullptr ? channels.used() : results->mayHaveChannels();
  if (input.ended()) channels.finish();
  if (may_have_channels && (!input.ended() || channels.used())) values.arriving = channels.source();
  if (!input.ended() && may_have_channels) {
    watch_.spawn(watchReaders(shared_from_this()));
    tasks_.spawn(receiveRest(shared_from_this()));
  }
  return values;
}

Task<void> FramedCall::connect(std::shared_ptr<FramedCall> call) {
  auto connected = co_await connectTo(call->shard_, call->target_);
  call->connecting_ = std::move(connected);
  call->shard_.defer(*call);
}

// Names are resolved anew for each call; its addresses are tried one after the other.
Task<Result<std::unique_ptr<net::Stream>>> FramedCall::connectTo(
    net::Shard& shard, std::shared_ptr<const FramedTarget> target) {
  const ProviderAddress& address = target->address;
  if (const auto endpoint = address.endpoint()) co_return co_await net::connectTo(shard, *endpoint);
  CO_TRY(const auto found, co_await target->options.resolver(shard).resolve(address.host));
  Result<std::unique_ptr<net::Stream>> stream =
      fail(ErrorCode::kUnavailable, address.host + " has no address");
  for (const net::IpAddress& one : found) {
    stream =
        co_await net::connectTo(shard, {.address = one, .port = address.port, .unix_path = {}});
    if (stream) break;
  }
  co_return stream;
}

Task<void> FramedCall::sendParameters(std::shared_ptr<FramedCall> call, Values params) {
  Connection& connection = *call->connection_;
  auto sent = co_await connection.pumps.run(std::move(params.channels), std::move(params.arriving));
  if (sent) {
    (void)co_await connection.output.finish();
  } else if (connection.pumps.sourceFailed()) {
    // The callee must not take what came so far for everything.
    call->breakOff(std::move(sent).error());
  }
  call->all_sent_.set();
}

Task<void> FramedCall::receiveRest(std::shared_ptr<FramedCall> call) {
  (void)co_await call->connection_->input.rest();
  call->watch_.cancelAll();
}

// Results that nobody reads any more end the call, once nothing is to be sent either.
Task<void> FramedCall::watchReaders(std::shared_ptr<FramedCall> call) {
  co_await call->connection_->channels.untilAbandoned();
  co_await call->all_sent_.wait();
  call->breakOff(Error(ErrorCode::kCancelled, "nobody reads the results"));
}

void FramedCall::expire() { breakOff(Error(ErrorCode::kDeadlineExceeded, "no results in time")); }

// Whoever waits for the stream is told in a later turn, and then finds the reason.
void FramedCall::breakOff(Error error) {
  if (!failure_) failure_ = std::move(error);
  if (connection_) {
    connection_->stream->reset();
  } else {
    shard_.defer(*this);
  }
}

void FramedCall::end() {
  const auto self = shared_from_this();
  if (registry_ != nullptr) registry_->erase(this);
  registry_ = nullptr;
  deadline_.disarm();
  breakOff(Error(ErrorCode::kCancelled, "the call was given up"));
  if (connection_) connection_->channels.fail(*failure_);
  watch_.cancelAll();
  tasks_.cancelAll();
}

Error FramedCall::report(Error error, FunctionId function) const {
  const bool broke_off = error.code() == ErrorCode::kProtocol;
  std::string message = fmt::format("{} at {} {}", target_->names[function].view().text(),
                                    target_->text, broke_off ? "broke off" : "failed");
  const ErrorCode code = error.code();
  return reported(target_->options.on_failure, {code, std::move(message), std::move(error)});
}

}  // namespace nimbus::wrpc
