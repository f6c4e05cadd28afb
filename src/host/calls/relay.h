#pragma once

#include <optional>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/exchange.h"
#include "http/handler.h"

namespace nimbus::host {

// The request's content on its way to a guest. Pieces that the guest has not begun to take are
// remembered, so that a call which never started can be given to another instance.
class RequestContent {
 public:
  explicit RequestContent(http::BodyReader* body) : body_(body) {}
  RequestContent(const RequestContent&) = delete;
  RequestContent& operator=(const RequestContent&) = delete;

  [[nodiscard]] bool empty() const { return body_ == nullptr || body_->empty(); }

  // Moves content until its end, the guest's disinterest or an error of the client.
  [[nodiscard]] Task<void> feed(engine::Exchange& exchange, std::uint64_t window_bytes);

 private:
  void push(engine::Exchange& exchange, Bytes piece);

  http::BodyReader* body_;
  ByteChain untouched_;  // small pieces do not wait one by one
  bool touched_ = false;
};

enum class RelayEnd {
  kComplete,    // the whole response is with the connection
  kFailed,      // the exchange's outcome says why; RelayResult::head_sent whether it is too late
  kClientGone,  // the connection takes no more
};

struct RelayResult {
  RelayEnd end;
  bool head_sent;
};

// Moves a response to the connection as it comes, while `content` flows the other way. Whoever runs
// it keeps what it was given until it is destroyed, but for an exchange that it needs no more.
//
//   Relay relay(content, exchange, response, window_bytes);
//   const RelayResult result = co_await relay.run();
class Relay {
 public:
  Relay(RequestContent& content, engine::Exchange& exchange, http::ResponseWriter& response,
        std::uint64_t window_bytes)
      : content_(content), exchange_(&exchange), response_(response), window_bytes_(window_bytes) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Once.
  [[nodiscard]] Task<RelayResult> run();

  // The exchange, which has its outcome, may go from now on, however slowly the client reads: what
  // has come of the response is taken over. Only while run() waits for the connection, which is all
  // that it waits for once there is an outcome; in a turn of its own.
  void takeOver();

 private:
  // Of a response whose exchange is gone: what the connection does not have yet.
  struct Rest {
    engine::Exchange::Content content;
    bool ended;  // complete with that
    http::Headers trailers;
  };

  [[nodiscard]] Task<RelayResult> respond();
  [[nodiscard]] Task<RelayResult> respondWithRest();
  [[nodiscard]] RelayResult result(RelayEnd end) const { return {end, head_sent_}; }
  void sendHead();
  // False if the client is gone.
  [[nodiscard]] Task<bool> sendContent(engine::Exchange::Content content);

  RequestContent& content_;
  engine::Exchange* exchange_;  // null: taken over
  http::ResponseWriter& response_;
  const std::uint64_t window_bytes_;
  bool head_sent_ = false;
  std::optional<Rest> rest_;  // once that is so
  TaskSet feeding_;           // goes first: it uses the exchange
};

// The same for an exchange that stays until the relay is over.
[[nodiscard]] Task<RelayResult> relay(RequestContent& content, engine::Exchange& exchange,
                                      http::ResponseWriter& response, std::uint64_t window_bytes);

// Answers for a call that failed before its response began, or cuts the response off.
void answerFailure(http::ResponseWriter& response, const engine::CallOutcome& outcome,
                   bool head_sent);

// 503 with Retry-After.
void answerOverloaded(http::ResponseWriter& response, std::string_view why);

// Answers a request that no guest can be given, with 400; `why` is of engine::Exchange::create().
void answerInvalid(http::ResponseWriter& response, const Error& why);

}  // namespace nimbus::host
