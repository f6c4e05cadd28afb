#include "host/calls/relay.h"

#include <optional>
#include <utility>

namespace nimbus::host {

void RequestContent::push(engine::Exchange& exchange, Bytes piece) {
  if (!touched_) untouched_.append(piece);
  exchange.pushBody(std::move(piece));
}

Task<void> RequestContent::feed(engine::Exchange& exchange, std::uint64_t window_bytes) {
  for (std::size_t i = 0; i < untouched_.pieceCount(); ++i)
    exchange.pushBody(untouched_.sharePiece(i));
  while (true) {
    while (exchange.unconsumedBytes() >= window_bytes && !exchange.bodyUnwanted()) {
      exchange.bodyProgress().clear();
      co_await exchange.bodyProgress().wait();
    }
    if (exchange.bodyUnwanted()) co_return;
    auto piece = co_await body_->read();
    if (exchange.anyConsumed()) {
      touched_ = true;
      untouched_ = ByteChain();
    }
    if (!piece) {
      exchange.failBody();
      co_return;
    }
    if (!piece->has_value()) {
      exchange.endBody(body_->trailers());
      co_return;
    }
    push(exchange, *std::move(*piece));
  }
}

Task<RelayResult> Relay::run() {
  if (content_.empty()) co_return co_await respond();
  feeding_.spawn(content_.feed(*exchange_, window_bytes_));
  const RelayResult result = co_await respond();
  feeding_.cancelAll();  // whatever the guest has taken by then
  co_return result;
}

Task<RelayResult> Relay::respond() {
  while (exchange_ != nullptr) {
    exchange_->changed().clear();
    const bool failed = exchange_->outcome() != nullptr && !exchange_->ended();
    if (failed && !head_sent_) co_return result(RelayEnd::kFailed);
    if (exchange_->head() != nullptr && !head_sent_) sendHead();
    if (exchange_->hasContent()) {
      if (!co_await sendContent(exchange_->takeContent())) co_return result(RelayEnd::kClientGone);
      continue;
    }
    if (exchange_->ended()) {
      response_.finish(exchange_->trailers());
      co_return result(RelayEnd::kComplete);
    }
    if (failed) co_return result(RelayEnd::kFailed);
    co_await exchange_->changed().wait();
  }
  co_return co_await respondWithRest();
}

Task<RelayResult> Relay::respondWithRest() {
  if (!co_await sendContent(std::move(rest_->content))) co_return result(RelayEnd::kClientGone);
  if (!rest_->ended) co_return result(RelayEnd::kFailed);
  response_.finish(rest_->trailers);
  co_return result(RelayEnd::kComplete);
}

void Relay::takeOver() {
  feeding_.cancelAll();
  rest_.emplace(exchange_->takeContent(), exchange_->ended(), exchange_->trailers());
  exchange_ = nullptr;
}

void Relay::sendHead() {
  head_sent_ = true;
  std::optional<std::uint64_t> length;
  if (exchange_->ended() && exchange_->trailers().empty()) length = exchange_->contentBytes();
  response_.sendHead(*exchange_->head(), length);
}

Task<bool> Relay::sendContent(engine::Exchange::Content content) {
  const std::size_t size = content.size();
  if (!content.text.empty()) {
    if (!co_await response_.write(asBytes(content.text))) co_return false;
  }
  for (Bytes& piece : content.pieces) {
    if (!co_await response_.write(std::move(piece))) co_return false;
  }
  if (exchange_ == nullptr) co_return true;
  exchange_->recycle(std::move(content.text));
  if (exchange_->outcome() == nullptr) exchange_->grant(size);
  co_return true;
}

Task<RelayResult> relay(RequestContent& content, engine::Exchange& exchange,
                        http::ResponseWriter& response, std::uint64_t window_bytes) {
  Relay relay(content, exchange, response, window_bytes);
  co_return co_await relay.run();
}

namespace {

http::Failure overloaded(std::string_view why) {
  return {503, std::string(why), "connection-limit-reached", true};
}

http::Failure failureOf(const engine::CallOutcome& outcome) {
  using Kind = engine::CallOutcome::Kind;
  switch (outcome.kind) {
    case Kind::kCollateral: return {502, "the instance ended because of another request\n"};
    case Kind::kNotStarted: return overloaded("no instance took the request\n");
    case Kind::kResources: return overloaded("no room for an instance\n");
    case Kind::kTimeout: return {504, "the component took too long\n", "HTTP-response-timeout"};
    case Kind::kCpuLimit:
      return {504, "the component used up its CPU time\n", "HTTP-response-timeout"};
    case Kind::kErrorCode: return {500, "the component failed\n", outcome.error_code};
    default: return {500, "the component failed\n"};
  }
}

}  // namespace

void answerFailure(http::ResponseWriter& response, const engine::CallOutcome& outcome,
                   bool head_sent) {
  if (head_sent) {
    response.abort();
    return;
  }
  response.sendFailure(failureOf(outcome));
}

void answerOverloaded(http::ResponseWriter& response, std::string_view why) {
  response.sendFailure(overloaded(why));
}

void answerInvalid(http::ResponseWriter& response, const Error& why) {
  response.sendFailure({400, why.message() + "\n", "HTTP-request-URI-invalid"});
}

}  // namespace nimbus::host
