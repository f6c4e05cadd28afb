#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/sync.h"
#include "http/client.h"
#include "http/client_deadline.h"
#include "http/client_pool.h"
#include "http/http1_body_decoder.h"
#include "http/http1_parser.h"
#include "http/http2_client.h"

namespace nimbus::http {

// A request under way on an HTTP/1.1 connection, handed out as its response. Sends the request's
// content while the response comes. Gives the connection back to `done` when both are complete and
// it can be used again; otherwise it closes with this object.
class Http1Exchange final : public ClientResponse, public BodyReader {
 public:
  using Done = std::function<void(Http1Connection)>;
  Http1Exchange(net::Shard& shard, Http1Connection connection, std::size_t max_header_bytes,
                Done done);
  ~Http1Exchange() override;

  // Sends the request and waits for the head of the response: then this object is the response.
  [[nodiscard]] Task<Result<void>> start(ClientRequest request);
  // Not a byte of a response came on a connection that had been idle: the server had closed it.
  [[nodiscard]] bool wasStale() const { return connection_ && connection_->reused && !any_byte_; }

  [[nodiscard]] const ResponseHead& head() const override { return head_; }
  [[nodiscard]] BodyReader& body() override { return *this; }

  [[nodiscard]] Task<Result<std::optional<Bytes>>> read() override;
  [[nodiscard]] bool empty() const override {
    return parser_.control().body.kind == BodyFraming::Kind::kNone;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] const Headers& trailers() const override { return decoder_.trailers(); }

 private:
  static constexpr std::size_t kInputBytes = 32 * 1024;

  [[nodiscard]] Task<Result<void>> receiveHead();
  // More bytes from the server; nothing at the end.
  [[nodiscard]] Task<Result<bool>> fill();
  [[nodiscard]] std::string_view input() const;
  [[nodiscard]] Task<void> upload(std::string head, bool wait_for_continue);
  [[nodiscard]] Task<Result<void>> uploadContent();
  [[nodiscard]] Task<Result<void>> uploadPiece(const Bytes& piece);
  // The connection took something of the request: the server's time to answer begins anew.
  void uploadWentOn() { answer_deadline_ = deadlineAfter(shard_, first_byte_timeout_); }
  [[nodiscard]] Result<void> contentDone();
  void messageDone();

  net::Shard& shard_;
  std::optional<Http1Connection> connection_;
  Done done_;
  ResponseHead head_;
  ResponseParser parser_;
  ResponseParser::RequestKind kind_ = ResponseParser::RequestKind::kOrdinary;
  BodyDecoder decoder_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool any_byte_ = false;
  bool finished_ = false;
  std::optional<Error> failure_;  // of the response's content

  BodyReader* request_body_ = nullptr;
  RequestFraming framing_;
  Duration first_byte_timeout_{};
  Duration between_bytes_timeout_{};
  TimePoint answer_deadline_ = TimePoint::max();
  Event may_upload_;
  std::optional<net::Timer> continue_timer_;
  std::optional<Error> upload_error_;  // the request's content failed
  bool upload_done_ = false;
  std::optional<Task<void>> upload_;  // last: destroyed before what it uses
};

}  // namespace nimbus::http
