#pragma once

#include <vector>

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
  std::vector<Bytes> untouched_;
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

// Moves the response to the connection as it comes, while `content` flows the other way.
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
