#include "host/calls/passed_request.h"

#include "base/race.h"
#include "host/calls/outgoing_exchange.h"

namespace nimbus::host {
namespace {

using engine::OutgoingRequest;

// The response on its way to the caller's guest.
class PassedResponse final : public http::ResponseWriter {
 public:
  PassedResponse(OutgoingRequest& request, FailuresAs failures)
      : request_(request), failures_(failures) {}

  void sendHead(const http::ResponseHead& head, std::optional<std::uint64_t>) override {
    if (head.status < 200) return;  // guests know of none
    head_sent_ = true;
    request_.respond(head);
  }
  Task<Result<void>> write(Bytes bytes) override {
    co_await request_.push(std::move(bytes));
    co_return Result<void>();
  }
  Task<Result<void>> write(ByteView bytes) override { return write(Bytes::copyOf(bytes)); }
  void finish(const http::Headers& trailers) override {
    ended_ = true;
    request_.end(trailers);
  }
  void abort() override { end("HTTP-response-incomplete", "the component that answered failed"); }
  void sendFailure(const http::Failure& failure) override {
    if (failures_ == FailuresAs::kErrorCodes) {
      end(failure.error_code, failure.text);
    } else {
      ResponseWriter::sendFailure(failure);
    }
  }
  [[nodiscard]] bool headSent() const override { return head_sent_; }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void end(std::string_view error_code, std::string_view message) {
    ended_ = true;
    while (message.ends_with('\n')) message.remove_suffix(1);
    request_.fail(error_code, message);
  }

  OutgoingRequest& request_;
  const FailuresAs failures_;
  bool head_sent_ = false;
  bool ended_ = false;
};

struct CloseAtEnd {
  OutgoingRequest& request;
  ~CloseAtEnd() { request.close(); }
};

}  // namespace

Task<void> passRequest(std::shared_ptr<OutgoingRequest> request, FailuresAs failures,
                       Answer answer) {
  const CloseAtEnd close{*request};
  // A guest that hands on a request without content has said so by now.
  request->takeContent();
  PassedResponse response(*request, failures);
  http::ServerRequest passed{
      .head = std::move(request->head()), .body = &request->body(), .peer = nullptr};
  co_await withTimeout(answer(passed, response), untilCancelled(request));
  if (!response.ended() && !request->cancelled().isSet()) response.abort();
}

}  // namespace nimbus::host
