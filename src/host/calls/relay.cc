#include "host/calls/relay.h"

#include <optional>
#include <utility>

namespace nimbus::host {

void RequestContent::push(engine::Exchange& exchange, Bytes piece) {
  if (!touched_) untouched_.push_back(piece);
  exchange.pushBody(std::move(piece));
}

Task<void> RequestContent::feed(engine::Exchange& exchange, std::uint64_t window_bytes) {
  for (Bytes& piece : untouched_) exchange.pushBody(piece);
  while (true) {
    while (exchange.unconsumedBytes() >= window_bytes && !exchange.bodyUnwanted()) {
      exchange.bodyProgress().clear();
      co_await exchange.bodyProgress().wait();
    }
    if (exchange.bodyUnwanted()) co_return;
    auto piece = co_await body_->read();
    if (exchange.anyConsumed()) {
      touched_ = true;
      untouched_.clear();
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

namespace {

// The response's side of a relay.
class ResponseRelay {
 public:
  ResponseRelay(engine::Exchange& exchange, http::ResponseWriter& response)
      : exchange_(exchange), response_(response) {}

  Task<RelayResult> run() {
    while (true) {
      exchange_.changed().clear();
      const bool failed = exchange_.outcome() != nullptr && !exchange_.ended();
      if (failed && !head_sent_) co_return result(RelayEnd::kFailed);
      if (exchange_.head() != nullptr && !head_sent_) sendHead();
      if (exchange_.hasContent()) {
        if (!co_await sendContent()) co_return result(RelayEnd::kClientGone);
        continue;
      }
      if (exchange_.ended()) {
        response_.finish(exchange_.trailers());
        co_return result(RelayEnd::kComplete);
      }
      if (failed) co_return result(RelayEnd::kFailed);
      co_await exchange_.changed().wait();
    }
  }

 private:
  [[nodiscard]] RelayResult result(RelayEnd end) const { return {end, head_sent_}; }

  void sendHead() {
    head_sent_ = true;
    std::optional<std::uint64_t> length;
    if (exchange_.ended() && exchange_.trailers().empty()) length = exchange_.contentBytes();
    response_.sendHead(*exchange_.head(), length);
  }

  // False if the client is gone.
  Task<bool> sendContent() {
    engine::Exchange::Content content = exchange_.takeContent();
    const std::size_t size = content.size();
    if (!content.text.empty()) {
      if (!co_await response_.write(asBytes(content.text))) co_return false;
    }
    for (Bytes& piece : content.pieces) {
      if (!co_await response_.write(std::move(piece))) co_return false;
    }
    exchange_.recycle(std::move(content.text));
    if (exchange_.outcome() == nullptr) exchange_.grant(size);
    co_return true;
  }

  engine::Exchange& exchange_;
  http::ResponseWriter& response_;
  bool head_sent_ = false;
};

}  // namespace

Task<RelayResult> relay(RequestContent& content, engine::Exchange& exchange,
                        http::ResponseWriter& response, std::uint64_t window_bytes) {
  ResponseRelay responding(exchange, response);
  if (content.empty()) co_return co_await responding.run();
  TaskSet feeding;  // ends with this frame, whatever the guest has taken by then
  feeding.spawn(content.feed(exchange, window_bytes));
  co_return co_await responding.run();
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
