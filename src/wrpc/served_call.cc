#include "wrpc/served_call.h"

#include <utility>

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
      pumps_(environment.shard, output_),
      wait_(environment.shard, *this) {}

Task<Result<void>> ServedCall::run() {
  auto results = co_await call();
  if (wait_.failure()) co_return std::unexpected(*wait_.failure());
  if (!results) co_return std::unexpected(std::move(results).error());
  auto answered = co_await answer(*std::move(results));
  if (wait_.failure()) co_return std::unexpected(*wait_.failure());
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
  wait_.limit(environment_.options.receive_timeout, "the parameters");
  CO_TRY(const InvocationHeader header, co_await input_.header());
  const FunctionName name{header.instance, header.function};
  name_ = name.text();
  CO_TRY(const FunctionId function, environment_.invoker.resolve(name));
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
  wait_.stopLimiting();
  if (const Duration allowed = environment_.options.call_timeout; allowed > Duration::zero()) {
    context_.deadline = environment_.shard.now() + allowed;
    wait_.limit(allowed, "the call");
  }
  auto results = environment_.session.invoke(context_, function, std::move(params));
  if (results.ready()) co_return results.take();
  startWatching();
  co_return co_await wait_.results(std::move(results));
}

Task<Result<void>> ServedCall::answer(Values results) {
  wait_.limitStalls(environment_.options.stall_timeout);
  CO_TRY_VOID(co_await output_.begin({}, std::move(results.bytes)));
  if (results.channels.empty() && results.arriving == nullptr) co_return Result<void>{};
  startWatching();
  co_return co_await wait_.sent(
      pumps_.run(std::move(results.channels), std::move(results.arriving)));
}

void ServedCall::startWatching() {
  if (std::exchange(watching_, true)) return;
  watch_.spawn(watchPeer());
}

// Receives what comes for the parameters' streams, then sees whether the peer stays.
Task<void> ServedCall::watchPeer() {
  if (!input_.ended()) {
    auto received = co_await input_.rest();
    if (!received) co_return wait_.giveUp(std::move(received).error());
    wait_.tell();
  }
  co_await stream_->gone();
  // A connection that both sides have finished looks the same, though the peer may still be reading
  // what was sent: resetting it would take the results away.
  if (!finishing_) wait_.giveUp(Error(ErrorCode::kCancelled, "the peer gave up"));
}

// Closing with bytes unread would make the system reset the connection, and the peer might lose
// results that it has not read yet.
Task<void> ServedCall::linger() {
  wait_.limit(environment_.options.linger_timeout, "the peer's end");
  while (watching_ && !input_.ended() && !wait_.failure()) co_await wait_.news();
  if (watching_ || input_.ended()) co_return;
  std::array<std::uint8_t, kLingerBytes> unwanted;
  for (int reads = 0; reads < kMaxLingerReads; ++reads) {
    const auto count = co_await stream_->read(unwanted);
    if (!count || *count == 0) co_return;
  }
}

}  // namespace nimbus::wrpc
