#include <algorithm>
#include <utility>

#include "http/http1_fields.h"
#include "http/http2_server.h"

namespace nimbus::http {
namespace {

// Of content that nobody wants, and that still may come where the client would lose the response
// to its first part otherwise.
constexpr std::uint64_t kMostSwallowedBytes = 1 << 20;

// What `content-length` fields say; they come from guests. False if that makes no sense.
bool readLengthFields(const Headers& headers, std::optional<std::uint64_t>& length) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers[i].name != "content-length") continue;
    const auto value = parseContentLength(headers[i].value);
    if (!value || (length && *length != *value)) return false;
    length = value;
  }
  return true;
}

}  // namespace

Http2ServerStream::Http2ServerStream(Http2ServerConnection& connection, std::int32_t stream_id)
    : Http2Stream(connection, stream_id, connection.environment_.limits.unsent_bytes_high_water,
                  TakePace(connection.environment_.limits.min_response_bytes_per_second,
                           connection.environment_.limits.write_idle_timeout)),
      connection_(connection),
      builder_(connection.environment_.limits),
      started_at_(connection.now()) {}

void Http2ServerStream::sendHead(const ResponseHead& head, std::optional<std::uint64_t> length) {
  if (closed || headSent() || response_ended_ || connection_.over()) return;
  // Whatever the handler makes of content that ends too early: the client shall know why.
  if (too_large_ && head.status >= 200 && head.status != 413) {
    return sendText(*this, 413, "The request is too large.\n");
  }
  if (head.status >= 200) return submitHead(head, length);
  const std::string status = std::to_string(head.status);
  Http2FieldList fields;
  fields.add(":status", status);
  fields.addAll(head.headers);
  if (!fields.fit()) return;
  nghttp2_submit_headers(connection_.session(), NGHTTP2_FLAG_NONE, id, nullptr, fields.data(),
                         fields.size(), nullptr);
  connection_.requestTurn();
}

void Http2ServerStream::submitHead(const ResponseHead& head, std::optional<std::uint64_t> length) {
  const std::string status = std::to_string(head.status);
  Http2FieldList fields;
  fields.add(":status", status);
  if (!head.headers.find("date")) fields.add("date", httpDate(connection_.now()));
  std::optional<std::uint64_t> named;
  const bool has_content = mayHaveContent(builder_.head().method == "HEAD", head.status);
  const bool valid = fields.addAll(head.headers, "content-length") && fields.fit() &&
                     readLengthFields(head.headers, named) &&
                     agreeOnLength(named, has_content, length) && head.status <= 599;
  if (!valid) return abort();

  status_ = head.status;
  content_allowed_ = has_content;
  announced_bytes_ = length;
  if (!content_allowed_) swallowRestOfRequest();
  const std::string length_text = length ? std::to_string(*length) : std::string();
  if (length && status_ != 204) fields.add("content-length", length_text);
  nghttp2_data_provider provider = connection_.outboundProvider(*this);
  nghttp2_submit_response(connection_.session(), id, fields.data(), fields.size(),
                          content_allowed_ ? &provider : nullptr);
  connection_.requestTurn();
}

void Http2ServerStream::sendContinue() {
  if (!std::exchange(continue_due_, false) || headSent() || inbound.ended()) return;
  sendHead({.status = 100, .headers = {}}, std::nullopt);
}

Result<void> Http2ServerStream::admitContent(std::size_t byte_count) {
  if (closed || connection_.over()) return fail(ErrorCode::kIo, "the client is gone");
  if (outbound.error()) return std::unexpected(*outbound.error());
  if (!headSent() || response_ended_) {
    return fail(ErrorCode::kInternal, "content outside of a response");
  }
  written_bytes_ += byte_count;
  if (content_allowed_ && announced_bytes_ && written_bytes_ > *announced_bytes_) {
    abort();
    return fail(ErrorCode::kInvalidArgument, "more content than content-length announced");
  }
  return {};
}

Task<Result<void>> Http2ServerStream::write(Bytes bytes) {
  CO_TRY_VOID(admitContent(bytes.size()));
  if (!content_allowed_) co_return Result<void>();
  outbound.push(std::move(bytes), connection_.now());
  connection_.checkBefore(connection_.now() + connection_.environment_.limits.write_idle_timeout);
  connection_.outboundChanged(*this);
  if (!outbound.full()) co_return Result<void>();
  co_return co_await outbound.waitForRoom();
}

Task<Result<void>> Http2ServerStream::write(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), std::max<std::size_t>(outbound.room(), 1));
    CO_TRY_VOID(co_await write(Bytes::copyOf(bytes.first(part))));
    bytes = bytes.subspan(part);
  }
  co_return Result<void>();
}

void Http2ServerStream::finish(const Headers& trailers) {
  if (response_ended_) return;
  const bool incomplete =
      content_allowed_ && announced_bytes_ && written_bytes_ < *announced_bytes_;
  if (!headSent() || incomplete) return abort();
  response_ended_ = true;
  trailers_out = trailers;
  swallowRestOfRequest();
  outbound.finish();
  connection_.outboundChanged(*this);
}

void Http2ServerStream::abort() {
  if (response_ended_) return;
  if (closed || connection_.over()) {
    response_ended_ = true;
    return;
  }
  if (!headSent()) return sendText(*this, 502, "The response failed.\n");  // or 413, see sendHead
  response_ended_ = true;
  cut_off_ = true;
  outbound.fail(Error(ErrorCode::kCancelled, "the response was cut off"));
  connection_.resetStream(*this, NGHTTP2_INTERNAL_ERROR);
  connection_.wakeLater(*this);
}

void Http2ServerStream::wake() {
  if (head_received_ && !counted_ && !closed) connection_.startExchange(*this);
  Http2Stream::wake();
}

void Http2ServerStream::handlerEnded() {
  handler_done_ = true;
  if (closed) return;
  if (!headSent() && !response_ended_)
    sendText(*this, 500, "Internal error.\n");  // or 413, see sendHead
  if (!response_ended_) abort();
  refuseRestOfRequest();
}

void Http2ServerStream::forgetRequest() {
  task_.reset();
  request_.head.headers = {};
  inbound.mutableTrailers() = {};
}

void Http2ServerStream::swallowRestOfRequest() {
  if (swallows_ || stopsByItself() || inbound.ended() || closed || connection_.over()) return;
  const std::optional<std::uint64_t> length = inbound.length();
  if (!length || *length > inbound.receivedBytes() + kMostSwallowedBytes) return;
  swallows_ = true;
  connection_.openWindow(*this, *length - std::min(*length, inbound.receivedBytes()));
}

void Http2ServerStream::refuseRestOfRequest() {
  if (!end_sent || !handler_done_ || closed || inbound.ended() || refuse_at_) return;
  if (!swallows_ && !stopsByItself()) return connection_.resetStream(*this, NGHTTP2_NO_ERROR);
  inbound.discard();
  connection_.endExchange(*this);
  if (swallows_) return connection_.refuseWhenItStops(*this);
  connection_.refuseAfterRoundTrip(*this);
}

}  // namespace nimbus::http
