#include "http/http2_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "http/client_deadline.h"
#include "http/http1_fields.h"
#include "http/http2_exchange.h"

namespace nimbus::http {
namespace {

constexpr std::int32_t kStreamWindowBytes = 256 * 1024;
// Of all responses together, also of those that have ended: beyond it another connection is made.
constexpr std::size_t kMaxUnreadBytes = 16 << 20;
constexpr std::size_t kUnsentBytes = 64 * 1024;
constexpr std::size_t kMaxFieldCount = 256;
constexpr std::size_t kFieldOverheadBytes = 32;
// A head this many times over the limit ends the connection, not only its stream.
constexpr std::size_t kHopelessFactor = 4;
constexpr std::size_t kMaxQueuedAcks = 500;
constexpr std::size_t kContinuationBytes = 16 * 1024;
// DATA that brings nothing; our server takes as many of a client, if nothing else is set.
constexpr std::size_t kMaxEmptyFramesPerSecond = 1000;
constexpr Duration kPingLimit = std::chrono::seconds(10);
// A connection that has brought nothing for so long may be dead if requests are given up.
constexpr Duration kSilenceLimit = std::chrono::seconds(1);
// For so long after the answer to a PING that is no reason for the next one: servers count them,
// and until each is answered new requests go elsewhere.
constexpr Duration kTrustTime = std::chrono::seconds(10);
// How long others wait for the server's SETTINGS before they open another connection.
constexpr Duration kSettingsLimit = std::chrono::seconds(1);

nghttp2_option* sessionOptions(std::size_t max_header_bytes) {
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_max_outbound_ack(options, kMaxQueuedAcks);
  nghttp2_option_set_max_continuations(options, max_header_bytes / kContinuationBytes + 4);
  return options;
}

Error tooLargeToSend() {
  return {ErrorCode::kInvalidArgument, "the request's header fields are too large"};
}

Http2ClientStream& own(Http2Stream& stream) { return static_cast<Http2ClientStream&>(stream); }

Error streamError(std::uint32_t code) {
  const std::string reason = nghttp2_http2_strerror(code);
  switch (code) {
    case NGHTTP2_REFUSED_STREAM:
      return {ErrorCode::kUnavailable, "the server refused the request for now"};
    case NGHTTP2_PROTOCOL_ERROR:
    case NGHTTP2_FLOW_CONTROL_ERROR:
    case NGHTTP2_COMPRESSION_ERROR:
      return {ErrorCode::kProtocol, "the HTTP/2 stream broke the protocol: " + reason};
    default: return {ErrorCode::kIo, "the HTTP/2 stream ended early: " + reason};
  }
}

}  // namespace

void Http2ClientStream::wake() {
  if (head_received || closed || refused) head_came.set();
  Http2Stream::wake();
}

std::shared_ptr<Http2ClientSession> Http2ClientSession::start(net::Shard& shard,
                                                              std::unique_ptr<net::Stream> stream,
                                                              std::size_t max_header_bytes,
                                                              std::function<void()> changed) {
  std::shared_ptr<Http2ClientSession> session(
      new Http2ClientSession(shard, std::move(stream), max_header_bytes, std::move(changed)));
  session->reads_.emplace(session->runReads());
  session->reads_->start();
  return session;
}

Http2ClientSession::Http2ClientSession(net::Shard& shard, std::unique_ptr<net::Stream> stream,
                                       std::size_t max_header_bytes, std::function<void()> changed)
    : Http2Session(shard, std::move(stream)),
      max_header_bytes_(max_header_bytes),
      changed_(std::move(changed)),
      idle_since_(now()),
      heard_at_(now()),
      empty_frames_(kMaxEmptyFramesPerSecond, now()),
      ping_limit_(
          shard,
          [this] {
            close(Error(ErrorCode::kDeadlineExceeded, "the HTTP/2 connection does not answer"));
          }),
      settings_limit_(shard, [this] {
        settings_late_ = true;
        change_pending_ = true;
        requestTurn();
      }) {
  makeSession(Side::kClient, sessionOptions(max_header_bytes));
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(max_header_bytes)},
  }};
  nghttp2_submit_settings(this->session(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(this->session(), NGHTTP2_FLAG_NONE, 0,
                                        kStreamWindowBytes * int{kMaxStreams});
  settings_limit_.armAfter(kSettingsLimit);
  requestTurn();
}

Http2ClientSession::~Http2ClientSession() = default;

Task<void> Http2ClientSession::runReads() { return readLoop({}); }

bool Http2ClientSession::hasRoom() {
  const std::size_t allowed = settings_received_ ? streamsAllowed() : 1;
  return !over() && !terminating() && !suspected_ && !goaway_received_ &&
         streams_.size() < std::min(allowed, kMaxStreams) && unread_bytes_ < kMaxUnreadBytes &&
         nghttp2_session_check_request_allowed(session()) != 0;
}

std::size_t Http2ClientSession::streamsAllowed() {
  return nghttp2_session_get_remote_settings(session(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

Result<std::shared_ptr<Http2ClientStream>> Http2ClientSession::submit(
    const ClientRequest& request) {
  const RequestHead& head = request.head;
  const bool streamed = request.framing.kind == RequestFraming::Kind::kStreamed;
  const std::string length = std::to_string(request.framing.length);
  Http2FieldList fields;
  fields.add(":method", head.method);
  fields.add(":scheme", head.scheme == Scheme::kHttps ? "https" : "http");
  fields.add(":authority", head.authority);
  fields.add(":path", head.path);
  if (request.framing.kind == RequestFraming::Kind::kLength) fields.add("content-length", length);
  const auto te = head.headers.find("te");
  if (isGrpc(head) || (te && nimbus::equalsIgnoringCase(*te, "trailers"))) {
    fields.add("te", "trailers");
  }
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    const HeaderField field = head.headers[i];
    if (classifyField(field.name) == FieldKind::kOrdinary) fields.add(field.name, field.value);
  }

  if (!fields.fit()) return std::unexpected(tooLargeToSend());

  const bool content = request.body != nullptr && (streamed || request.framing.length > 0);
  // The number of the stream is known only afterwards; nothing looks at it before.
  const auto next_id = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(session()));
  auto stream = std::make_shared<Http2ClientStream>(*this, next_id, kUnsentBytes);
  nghttp2_data_provider provider = outboundProvider(*stream);
  const std::int32_t id = nghttp2_submit_request(session(), nullptr, fields.data(), fields.size(),
                                                 content ? &provider : nullptr,
                                                 static_cast<Http2Stream*>(stream.get()));
  if (id != next_id) return fail(ErrorCode::kUnavailable, "the HTTP/2 connection takes no more");
  if (!content) stream->outbound.finish();
  stream->can_move = request.body == nullptr;
  streams_.emplace(id, stream);
  first_unheard_ = std::min(first_unheard_, now());
  requestTurn();
  return stream;
}

Task<ExchangeResult> Http2ClientSession::exchange(ClientRequest request) {
  auto submitted = submit(request);
  if (!submitted) {
    const bool elsewhere = submitted.error().code() == ErrorCode::kUnavailable;
    co_return ExchangeResult{std::unexpected(std::move(submitted).error()), elsewhere};
  }
  const auto stream = *std::move(submitted);
  auto exchange = std::make_unique<Http2Exchange>(shared_from_this(), stream, request);
  const auto received =
      co_await DeadlineAwaiter<bool>(shard(), exchange->answerDeadline(), exchange->headCame());
  if (!received) {
    suspect();
    co_return ExchangeResult{
        fail(ErrorCode::kDeadlineExceeded, "the server did not answer in time"), false};
  }
  if (*received)
    co_return ExchangeResult{std::unique_ptr<ClientResponse>(std::move(exchange)), false};
  // Lost before any answer on a connection that had been in use: the server closed it meanwhile.
  const bool stale = over() && stream->id > 1 && isIdempotent(request.head.method) &&
                     exchange->failure().code() == ErrorCode::kIo;
  const bool may_retry = stream->can_move && (stream->refused || stale);
  co_return ExchangeResult{std::unexpected(exchange->failure()), may_retry};
}

void Http2ClientSession::suspect() {
  if (over() || std::exchange(suspected_, true)) return;
  nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, nullptr);
  ping_limit_.armAfter(kPingLimit);
  requestTurn();
}

void Http2ClientSession::givenUp(TimePoint asked_at) {
  // Requests that were given up sooner, one after the other, tell as much as one together.
  const TimePoint silent_since = std::min(first_unheard_, std::max(asked_at, heard_at_));
  if (now() - silent_since >= kSilenceLimit && now() >= trusted_until_) suspect();
}

// While content comes the connection is not dead, and the answer to a PING may be behind it.
void Http2ClientSession::heard() {
  heard_at_ = now();
  first_unheard_ = TimePoint::max();
  if (suspected_) ping_limit_.armAfter(kPingLimit);
}

void Http2ClientSession::contentConsumed(std::int32_t stream_id, std::size_t byte_count) {
  const bool held_up = unread_bytes_ >= kMaxUnreadBytes;
  unread_bytes_ -= byte_count;
  if (over()) return;
  if (held_up && unread_bytes_ < kMaxUnreadBytes) change_pending_ = true;
  nghttp2_session_consume_stream(session(), stream_id, byte_count);
  requestTurn();
}

void Http2ClientSession::shutDown() {
  if (over()) return;
  sendNow();  // resets that wait are dropped once the session is to end
  terminate(NGHTTP2_NO_ERROR);
  sendNow();
  close(Error(ErrorCode::kCancelled, "the HTTP/2 connection was closed on this side"));
}

int Http2ClientSession::onBeginHeaders(const nghttp2_frame& frame) {
  heard();
  if (Http2Stream* stream = find(frame.hd.stream_id)) own(*stream).head_bytes = 0;
  return 0;
}

int Http2ClientSession::onHeader(const nghttp2_frame& frame, std::string_view name,
                                 std::string_view value) {
  Http2Stream* found = find(frame.hd.stream_id);
  if (found == nullptr) return 0;
  Http2ClientStream& stream = own(*found);
  stream.head_bytes += name.size() + value.size() + kFieldOverheadBytes;
  if (stream.head_bytes > kHopelessFactor * max_header_bytes_) {
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
  }
  Headers& fields = stream.head_received ? stream.inbound.mutableTrailers() : stream.head.headers;
  if (stream.head_bytes > max_header_bytes_ || fields.size() >= kMaxFieldCount) {
    if (!stream.failure) {
      stream.failure.emplace(ErrorCode::kResourceExhausted,
                             "the response's header fields are too large");
      resetStream(stream, NGHTTP2_CANCEL);
    }
    return 0;
  }
  if (name == ":status")
    return takeStatus(stream, value) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (classifyField(name) == FieldKind::kOrdinary ||
      (name == "content-length" && !stream.head_received)) {
    fields.add(name, value);
  }
  return 0;
}

bool Http2ClientSession::takeStatus(Http2ClientStream& stream, std::string_view value) {
  const auto status = parseDecimal(value);
  if (!status || *status < 100 || *status > 599) return false;
  stream.head.status = static_cast<std::uint16_t>(*status);
  stream.head_informational = *status < 200;
  return true;
}

void Http2ClientSession::onFrame(const nghttp2_frame& frame) {
  heard();
  if (frame.hd.type == NGHTTP2_GOAWAY) goaway_received_ = true;
  if (frame.hd.type == NGHTTP2_SETTINGS && (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) {
    settings_received_ = true;
    settings_limit_.disarm();
    change_pending_ = true;  // perhaps more streams
    moveUnsent();
  }
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
    suspected_ = false;
    ping_limit_.disarm();
    trusted_until_ = now() + kTrustTime;
    change_pending_ = true;
  }
  Http2Stream* stream = frame.hd.stream_id == 0 ? nullptr : find(frame.hd.stream_id);
  if (stream == nullptr) return;
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.hd.type == NGHTTP2_HEADERS && !own(*stream).head_received) {
    onHead(own(*stream), end_stream);
  } else if ((frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) && end_stream) {
    stream->inbound.end();
    wakeLater(*stream);
  } else if (frame.hd.type == NGHTTP2_DATA && !hasContent(frame)) {
    onEmptyContent(own(*stream));
  }
}

// RFC 9113 10.5: no window bounds it, not even if it is padded.
void Http2ClientSession::onEmptyContent(Http2ClientStream& stream) {
  if (empty_frames_.admit(now())) return;
  if (!stream.failure)
    stream.failure.emplace(ErrorCode::kProtocol, "too many DATA frames without content");
  terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

// RFC 9113 5.1.2. Only what is not on its way, and can be sent again.
void Http2ClientSession::moveUnsent() {
  if (streams_.size() <= streamsAllowed()) return;
  for (auto& [id, stream] : streams_) {
    const bool unsent = nghttp2_session_find_stream(session(), id) == nullptr;
    if (!unsent || stream->closed || !stream->can_move) continue;
    stream->refused = true;
    if (!stream->failure) stream->failure = streamError(NGHTTP2_REFUSED_STREAM);
    resetStream(*stream, NGHTTP2_REFUSED_STREAM);
    wakeLater(*stream);
  }
}

void Http2ClientSession::onHeadersNotSent(Http2Stream& stream) {
  if (!own(stream).failure) own(stream).failure = tooLargeToSend();
  resetStream(stream, NGHTTP2_CANCEL);
}

void Http2ClientSession::onHead(Http2ClientStream& stream, bool end_stream) {
  if (stream.failure) return;
  if (stream.head_informational && !end_stream) {
    stream.head.headers.clear();
    if (++stream.informational_count > kMaxInformational) {
      stream.failure.emplace(ErrorCode::kProtocol, "too many informational responses");
      resetStream(stream, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    return;
  }
  stream.head_received = true;
  const auto length = stream.head.headers.find("content-length");
  stream.inbound.announce(end_stream, length ? parseContentLength(*length) : std::nullopt);
  wakeLater(stream);
}

void Http2ClientSession::onContent(Http2Stream& stream, ByteView bytes) {
  heard();
  nghttp2_session_consume_connection(session(), bytes.size());
  unread_bytes_ += bytes.size();
  stream.inbound.append(bytes);
  wakeLater(stream);
}

void Http2ClientSession::onStreamClosed(Http2Stream& stream) {
  Http2ClientStream& closing = own(stream);
  closing.refused = stream.close_code == NGHTTP2_REFUSED_STREAM;
  if (!closing.failure) closing.failure = streamError(stream.close_code);
  stream.inbound.fail(*closing.failure);
  stream.outbound.fail(*closing.failure);
  closed_.push_back(&closing);
  wakeLater(stream);
}

void Http2ClientSession::sweepStreams() {
  for (Http2ClientStream* stream : std::exchange(closed_, {})) {
    forgetWaiter(*stream);
    streams_.erase(stream->id);
    idle_since_ = now();
    change_pending_ = true;
  }
}

void Http2ClientSession::turnEnded() {
  if (over() || terminating() || goaway_received_) change_pending_ = true;
  if (std::exchange(change_pending_, false) && changed_) changed_();
}

void Http2ClientSession::connectionLost(const Error& error) {
  closed_.clear();
  change_pending_ = true;
  for (auto& [id, stream] : streams_) {
    stream->closed = true;
    if (!stream->failure) stream->failure = error;
    stream->inbound.fail(*stream->failure);
    stream->outbound.fail(*stream->failure);
    closed_.push_back(stream.get());
    wakeLater(*stream);
  }
}

}  // namespace nimbus::http
