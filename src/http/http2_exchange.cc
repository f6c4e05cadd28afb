#include "http/http2_exchange.h"

#include <utility>

#include "http/client_deadline.h"

namespace nimbus::http {

Http2Exchange::Http2Exchange(std::shared_ptr<Http2ClientSession> session,
                             std::shared_ptr<Http2ClientStream> stream,
                             const ClientRequest& request)
    : session_(std::move(session)),
      stream_(std::move(stream)),
      request_body_(request.body),
      framing_(request.framing),
      first_byte_timeout_(request.options.first_byte_timeout),
      between_bytes_timeout_(request.options.between_bytes_timeout),
      asked_at_(session_->now()),
      upload_done_(stream_->outbound.finished()) {
  uploadWentOn();
  if (upload_done_) return;
  upload_.emplace(upload());
  upload_->start();
}

Http2Exchange::~Http2Exchange() {
  const bool ended = stream_->inbound.ended();
  stopUpload(ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  if (!ended && !stream_->closed) {
    session_->resetStream(*stream_, NGHTTP2_CANCEL);
    session_->givenUp(asked_at_);
  }
  stream_->inbound.discard();
}

void Http2Exchange::uploadWentOn() {
  answer_deadline_ = deadlineAfter(session_->shard(), first_byte_timeout_);
}

void Http2Exchange::stopUpload(std::uint32_t code) {
  upload_.reset();
  if (std::exchange(upload_done_, true)) return;
  stream_->outbound.fail(Error(ErrorCode::kCancelled, "the exchange is over"));
  session_->resetStream(*stream_, code);
}

Task<void> Http2Exchange::upload() {
  auto sent = co_await uploadContent();
  upload_done_ = true;
  if (sent || stream_->closed) co_return;
  upload_error_ = std::move(sent).error();
  stream_->failure = upload_error_;
  session_->resetStream(*stream_, NGHTTP2_CANCEL);
}

Task<Result<void>> Http2Exchange::uploadContent() {
  std::uint64_t sent = 0;
  for (;;) {
    CO_TRY(auto piece, co_await request_body_->read());
    if (!piece) break;
    sent += piece->size();
    if (framing_.kind == RequestFraming::Kind::kLength && sent > framing_.length) {
      co_return fail(ErrorCode::kInvalidArgument, "more request content than was announced");
    }
    stream_->outbound.push(*std::move(piece), session_->now());
    session_->outboundChanged(*stream_);
    CO_TRY_VOID(co_await stream_->outbound.waitForRoom());
    uploadWentOn();
  }
  if (framing_.kind == RequestFraming::Kind::kLength && sent < framing_.length) {
    co_return fail(ErrorCode::kInvalidArgument, "less request content than was announced");
  }
  stream_->trailers_out = request_body_->trailers();
  stream_->outbound.finish();
  session_->outboundChanged(*stream_);
  co_return Result<void>();
}

Task<bool> Http2Exchange::headCame() {
  while (!stream_->head_received && !stream_->closed && !stream_->refused) {
    stream_->head_came.clear();
    co_await stream_->head_came.wait();
  }
  co_return stream_->head_received;
}

Error Http2Exchange::failure() const {
  if (upload_error_) return *upload_error_;
  return stream_->failure.value_or(Error(ErrorCode::kIo, "the HTTP/2 stream ended early"));
}

Task<Result<std::optional<Bytes>>> Http2Exchange::read() {
  auto piece =
      co_await within(session_->shard(), deadlineAfter(session_->shard(), between_bytes_timeout_),
                      stream_->inbound.read(), "the server sends nothing more");
  if (piece && *piece) co_return piece;
  if (!piece) {
    if (piece.error().code() == ErrorCode::kDeadlineExceeded) session_->suspect();
    if (upload_error_) co_return std::unexpected(*upload_error_);
    co_return piece;
  }
  // At the end the request's body may go, and nobody waits for the rest of it.
  stopUpload(NGHTTP2_NO_ERROR);
  co_return piece;
}

}  // namespace nimbus::http
