#pragma once

#include <memory>
#include <optional>

#include "http/http2_client.h"

namespace nimbus::http {

// A request under way on an HTTP/2 connection, handed out as its response. Sends the request's
// content while the response comes. Destroying it before the end resets the stream.
class Http2Exchange final : public ClientResponse, public BodyReader {
 public:
  Http2Exchange(std::shared_ptr<Http2ClientSession> session,
                std::shared_ptr<Http2ClientStream> stream, const ClientRequest& request);
  ~Http2Exchange() override;

  // When the server is late with its head: put off by every piece of content that goes out.
  [[nodiscard]] const TimePoint* answerDeadline() const { return &answer_deadline_; }

  // True once the response's head is there, false if it will not come.
  [[nodiscard]] Task<bool> headCame();
  // Why not.
  [[nodiscard]] Error failure() const;

  [[nodiscard]] const ResponseHead& head() const override { return stream_->head; }
  [[nodiscard]] BodyReader& body() override { return *this; }

  [[nodiscard]] Task<Result<std::optional<Bytes>>> read() override;
  [[nodiscard]] bool empty() const override { return stream_->inbound.empty(); }
  [[nodiscard]] std::optional<std::uint64_t> length() const override {
    return stream_->inbound.length();
  }
  [[nodiscard]] const Headers& trailers() const override { return stream_->inbound.trailers(); }

 private:
  [[nodiscard]] Task<void> upload();
  [[nodiscard]] Task<Result<void>> uploadContent();
  void uploadWentOn();
  void stopUpload(std::uint32_t code);

  std::shared_ptr<Http2ClientSession> session_;
  std::shared_ptr<Http2ClientStream> stream_;
  BodyReader* request_body_;
  RequestFraming framing_;
  Duration first_byte_timeout_;
  Duration between_bytes_timeout_;
  TimePoint asked_at_;
  TimePoint answer_deadline_ = TimePoint::max();
  std::optional<Error> upload_error_;
  bool upload_done_ = false;
  std::optional<Task<void>> upload_;  // last: destroyed before what it uses
};

}  // namespace nimbus::http
