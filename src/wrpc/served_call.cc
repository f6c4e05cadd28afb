#include "wrpc/served_call.h"

#include <utility>

#include <fmt/format.h>

namespace nimbus::wrpc {

namespace {

constexpr std::size_t kLingerBytes = 16 * 1024;
constexpr int kMaxLingerReads = 64;

}  // namespace

ServedCall::ServedCall(const ServedCallEnvironment& environment,
                       std::unique_ptr<net::Stream> stream)
    : environment_(environment),
      stream_(std::move(stream)),
      channels_(environment.shard, environment.options.limits.channels, environment.budget),
      input_(*stream_, channels_, environment.options.limits.max_root_bytes,
             environment.options.limits.channels.read_ahead_bytes, environment.budget),
      output_(*stream_),
      context_{
          .consumer = environment.consumer, .deadline = {}, .trace_parent = {}, .results = nullptr},
      timer_(environment.shard, [this] { expire(); }),
      pumps_(environment.shard, output_) {}

Task<Result<void>> ServedCall::run() {
  auto results = co_await call();
  if (failure_) co_return std::unexpected(*failure_);
  if (!results) co_return std::unexpected(std::move(results).error());
  auto answered = co_await answer(*std::move(results));
  if (failure_) co_return std::unexpected(*failure_);
  CO_TRY_VOID(std::move(answered));
  co_return co_await finish();
}

// A peer that has said all that it may needs no more than the end of the connection.
Task<Result<void>> ServedCall::finish() {
  if (root_only_ && !watching_ && input_.idle()) co_return Result<void>{};
  finishing_ = true;
  CO_TRY_VOID(co_await output_.finish());
  co_await linger();
  co_return Result<void>{};
}

Task<Result<Values>> ServedCall::call() {
  limit(environment_.options.receive_timeout, "the parameters");
  CO_TRY(const InvocationHeader header, co_await input_.header());
  name_ = header.instance.empty() ? header.function : header.instance + "/" + header.function;
  CO_TRY(const FunctionId function,
         environment_.invoker.resolve({header.instance, header.function}));
  const auto shape = environment_.invoker.parameters(function);
  Values params;
  {
    CO_TRY(params.bytes, co_await input_.root(shape));
  }
  root_only_ = shape != nullptr && !shape->mayHaveChannels();
  if (!root_only_ && (!input_.ended() || channels_.used())) {
    params.arriving = channels_.source();
    if (input_.ended()) channels_.finish();
  }
  timer_.disarm();
  if (const Duration allowed = environment_.options.call_timeout; allowed > Duration::zero()) {
    context_.deadline = environment_.shard.now() + allowed;
    limit(allowed, "the call");
  }
  auto results = environment_.session.invoke(context_, function, std::move(params));
  if (results.ready()) co_return results.take();
  co_return co_await await(std::move(results));
}

// Until the results are there, or the peer has gone, or the time is over.
Task<Result<Values>> ServedCall::await(Eventual<Result<Values>> results) {
  startWatching();
  working_.spawn(collect(std::move(results)));
  while (!results_ && !failure_) {
    news_.clear();
    co_await news_.wait();
  }
  working_.cancelAll();
  if (failure_) co_return std::unexpected(*failure_);
  co_return *std::exchange(results_, std::nullopt);
}

Task<void> ServedCall::collect(Eventual<Result<Values>> results) {
  results_ = co_await std::move(results);
  environment_.shard.defer(*this);
}

Task<Result<void>> ServedCall::answer(Values results) {
  timer_.disarm();
  watchProgress();
  CO_TRY_VOID(co_await output_.begin({}, std::move(results.bytes)));
  if (!results.channels.empty() || results.arriving != nullptr) {
    startWatching();
    working_.spawn(send(std::move(results)));
    while (!sent_ && !failure_) {
      news_.clear();
      co_await news_.wait();
    }
    working_.cancelAll();
    CO_TRY_VOID(sending_);
    if (failure_) co_return std::unexpected(*failure_);
  }
  co_return Result<void>{};
}

Task<void> ServedCall::send(Values results) {
  sending_ = co_await pumps_.run(std::move(results.channels), std::move(results.arriving));
  sent_ = true;
  environment_.shard.defer(*this);
}

void ServedCall::startWatching() {
  if (std::exchange(watching_, true)) return;
  watch_.spawn(watchPeer());
}

// Receives what comes for the parameters' streams, then sees whether the peer stays.
Task<void> ServedCall::watchPeer() {
  if (!input_.ended()) {
    auto received = co_await input_.rest();
    if (!received) co_return breakOff(std::move(received).error());
    environment_.shard.defer(*this);
  }
  co_await stream_->gone();
  // A connection that both sides have finished looks the same, though the peer may still be reading
  // what was sent: resetting it would take the results away.
  if (!finishing_) breakOff(Error(ErrorCode::kCancelled, "the peer gave up"));
}

// Closing with bytes unread would make the system reset the connection, and the peer might lose
// results that it has not read yet.
Task<void> ServedCall::linger() {
  limit(environment_.options.linger_timeout, "the peer's end");
  while (watching_ && !input_.ended() && !failure_) {
    news_.clear();
    co_await news_.wait();
  }
  if (watching_ || input_.ended()) co_return;
  std::array<std::uint8_t, kLingerBytes> unwanted;
  for (int reads = 0; reads < kMaxLingerReads; ++reads) {
    const auto count = co_await stream_->read(unwanted);
    if (!count || *count == 0) co_return;
  }
}

void ServedCall::limit(Duration allowed, std::string_view what) {
  waiting_for_ = what;
  timer_.armAfter(allowed);
}

void ServedCall::watchProgress() {
  waiting_for_ = {};
  progress_ = input_.receivedBytes() + output_.writtenBytes();
  timer_.armAfter(environment_.options.stall_timeout);
}

void ServedCall::expire() {
  if (!waiting_for_.empty()) {
    return breakOff(
        Error(ErrorCode::kDeadlineExceeded, fmt::format("{} took too long", waiting_for_)));
  }
  const bool moved = progress_ != input_.receivedBytes() + output_.writtenBytes();
  if (moved || (!output_.busy() && !channels_.starved())) return watchProgress();
  breakOff(Error(ErrorCode::kDeadlineExceeded, "the peer takes and sends nothing"));
}

// Whoever waits for the stream, or for news, finds the reason in a later turn.
void ServedCall::breakOff(Error error) {
  if (!failure_) failure_ = std::move(error);
  stream_->reset();
  environment_.shard.defer(*this);
}

}  // namespace nimbus::wrpc
