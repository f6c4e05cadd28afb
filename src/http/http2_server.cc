#include "http/http2_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/http1_fields.h"

namespace nimbus::http {
namespace {

constexpr std::size_t kMinWindowBytes = 16 * 1024;
// Content of all streams of a connection that nobody has read yet.
constexpr std::size_t kMaxConnectionWindowBytes = 4 * 1024 * 1024;
constexpr std::size_t kContinuationBytes = 16 * 1024;
constexpr std::size_t kMaxQueuedAcks = 500;
constexpr std::size_t kMaxSettingsPerFrame = 32;
// Frames that ask for nothing (PING, SETTINGS, empty DATA, …) for every stream reset allowed.
constexpr std::size_t kControlFramesPerReset = 10;
// How long a draining connection takes requests that crossed its first GOAWAY, if the peer does
// not answer the PING that follows it.
constexpr Duration kDrainNotice = std::chrono::seconds(1);
constexpr std::array<std::uint8_t, 8> kDrainPing = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};
// The same for a request that is refused, whose number follows.
constexpr Duration kRefusalNotice = std::chrono::seconds(1);
constexpr std::array<std::uint8_t, 4> kRefusalPing = {'s', 't', 'o', 'p'};
// How long the rest of a request may take to come that nobody wants.
constexpr Duration kSwallowing = std::chrono::seconds(10);

std::size_t windowBytes(const ServerLimits& limits) {
  return std::clamp<std::size_t>(limits.body_read_ahead_bytes, kMinWindowBytes,
                                 kMaxConnectionWindowBytes);
}

nghttp2_option* sessionOptions(const ServerLimits& limits) {
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_max_outbound_ack(options, kMaxQueuedAcks);
  nghttp2_option_set_max_settings(options, kMaxSettingsPerFrame);
  nghttp2_option_set_max_continuations(options, limits.max_header_bytes / kContinuationBytes + 4);
  // Resets are counted here, against the limit of the listener.
  nghttp2_option_set_stream_reset_rate_limit(options, UINT32_MAX, UINT32_MAX);
  return options;
}

Http2ServerStream& own(Http2Stream& stream) { return static_cast<Http2ServerStream&>(stream); }

}  // namespace

Http2ServerConnection::Http2ServerConnection(ConnectionEnvironment& environment,
                                             std::unique_ptr<net::Stream> stream,
                                             std::string received)
    : Http2Session(environment.shard, std::move(stream),
                   TakePace(environment.limits.min_response_bytes_per_second,
                            environment.limits.write_idle_timeout)),
      environment_(environment),
      received_(std::move(received)),
      resets_(std::max<std::size_t>(environment.limits.max_reset_streams_per_second, 1), now()),
      control_frames_(kControlFramesPerReset *
                          std::max<std::size_t>(environment.limits.max_reset_streams_per_second, 1),
                      now()),
      limit_timer_(environment.shard, [this] { checkLimits(); }),
      opened_at_(now()),
      idle_since_(now()) {
  makeSession(Side::kServer, sessionOptions(environment.limits));
}

Http2ServerConnection::~Http2ServerConnection() {
  connectionLost(Error(ErrorCode::kCancelled, "the connection was closed"));
}

Task<void> Http2ServerConnection::run() {
  submitSettings();
  checkBefore(opened_at_ + environment_.limits.header_timeout);
  co_await readLoop(std::exchange(received_, {}));
}

void Http2ServerConnection::submitSettings() {
  const ServerLimits& limits = environment_.limits;
  const auto number = [](std::size_t value) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(value, INT32_MAX));
  };
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
       number(std::max<std::size_t>(limits.max_concurrent_streams, 1))},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, number(windowBytes(limits))},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, number(limits.max_header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  const std::size_t window =
      std::clamp<std::size_t>(windowBytes(limits) * limits.max_concurrent_streams,
                              NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE, kMaxConnectionWindowBytes);
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(window));
  requestTurn();
}

int Http2ServerConnection::onBeginHeaders(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  const std::int32_t id = frame.hd.stream_id;
  if (last_stream_id_ && id > *last_stream_id_) return 0;  // nghttp2 closes it after the GOAWAY
  auto& slot = streams_[id];
  slot = std::make_unique<Http2ServerStream>(*this, id);
  nghttp2_session_set_stream_user_data(session(), id, static_cast<Http2Stream*>(slot.get()));
  checkBefore(now() + environment_.limits.header_timeout);
  return 0;
}

int Http2ServerConnection::onHeader(const nghttp2_frame& frame, std::string_view name,
                                    std::string_view value) {
  Http2Stream* found = find(frame.hd.stream_id);
  if (found == nullptr) return 0;
  Http2ServerStream& stream = own(*found);
  if (!stream.head_received_) {
    if (!stream.builder_.add(name, value)) calmDown();
    return 0;
  }
  Headers& trailers = stream.inbound.mutableTrailers();
  const bool fits = trailers.textBytes() <= environment_.limits.max_header_bytes &&
                    trailers.size() < environment_.limits.max_header_count;
  if (!fits || classifyField(name) != FieldKind::kOrdinary) {
    resetStream(stream, NGHTTP2_PROTOCOL_ERROR);
  } else if (!stream.handler_done_) {
    trailers.add(name, value);
  }
  return 0;
}

void Http2ServerConnection::onFrame(const nghttp2_frame& frame) {
  Http2Stream* stream = frame.hd.stream_id == 0 ? nullptr : find(frame.hd.stream_id);
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.hd.type == NGHTTP2_HEADERS && stream != nullptr && !own(*stream).head_received_) {
    return onHead(own(*stream), end_stream);
  }
  if (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) {
    if (stream != nullptr && end_stream) {
      stream->inbound.end();
      // Without anything more to read curl 7.88 may not look whether it has the response.
      if (own(*stream).swallows_ && stream->end_sent) startRoundTrip(own(*stream));
      wakeLater(*stream);
    } else if (!hasContent(frame) && !control_frames_.admit(now())) {
      calmDown();
    }
    return;
  }
  onControlFrame(frame);
}

void Http2ServerConnection::onControlFrame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_SETTINGS) settings_received_ = true;
  if (frame.hd.type == NGHTTP2_GOAWAY) peer_leaves_ = true;
  const bool is_ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (frame.hd.type == NGHTTP2_PING && is_ack && drain_notice_at_ &&
      std::ranges::equal(frame.ping.opaque_data, kDrainPing)) {
    sendGoaway();
  }
  if (frame.hd.type == NGHTTP2_PING && is_ack && endRoundTrip(frame.ping.opaque_data)) return;
  // Credit for content is what a busy connection mostly consists of.
  if (frame.hd.type == NGHTTP2_WINDOW_UPDATE || frame.hd.type == NGHTTP2_RST_STREAM) return;
  if (!control_frames_.admit(now())) calmDown();
}

void Http2ServerConnection::onHead(Http2ServerStream& stream, bool end_stream) {
  stream.head_received_ = true;
  stream.refused_with_ = stream.builder_.finish(Http2Session::stream().peer().tls);
  stream.inbound.announce(end_stream, stream.builder_.contentLength());
  stream.continue_due_ = !end_stream && stream.builder_.expectsContinue();
  const std::size_t max_requests = environment_.limits.max_requests_per_connection;
  if (++request_count_ == max_requests) startDrain();
  wakeLater(stream);
}

void Http2ServerConnection::onContent(Http2Stream& stream, ByteView bytes) {
  const std::uint64_t max_bytes = environment_.limits.max_body_bytes;
  if (max_bytes > 0 && stream.inbound.receivedBytes() + bytes.size() > max_bytes) {
    own(stream).too_large_ = true;
    stream.inbound.fail(Error(ErrorCode::kResourceExhausted, "the request's content is too large"));
  }
  if (own(stream).refuse_at_)
    own(stream).refuse_at_ = std::min(now() + kRefusalNotice, own(stream).refuse_latest_);
  if (stream.inbound.failed() || own(stream).refused_with_) {
    contentConsumed(stream.id, bytes.size());  // nobody will read it
  } else {
    stream.inbound.append(bytes);
  }
  wakeLater(stream);
}

void Http2ServerConnection::onStreamClosed(Http2Stream& stream) {
  closed_.push_back(&own(stream));
  requestTurn();
  // A client that opens streams only to make us throw them away (or to make us reset them, by
  // breaking the protocol) costs more than it pays.
  const bool wasted = !stream.end_sent && !own(stream).cut_off_;
  if (wasted && !resets_.admit(now())) calmDown();
}

void Http2ServerConnection::onFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) return onGoawaySent(frame.goaway);
  const bool content = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!content || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  if (Http2Stream* stream = find(frame.hd.stream_id)) {
    stream->end_sent = true;
    own(*stream).refuseRestOfRequest();
  }
}

void Http2ServerConnection::onInvalidFrame(const nghttp2_frame&) {
  environment_.protocol_errors.add();
}

// Of a head only if Http2FieldList::fit() knows less than nghttp2.
void Http2ServerConnection::onHeadersNotSent(Http2Stream& stream) {
  own(stream).cut_off_ = true;
  resetStream(stream, NGHTTP2_INTERNAL_ERROR);
}

void Http2ServerConnection::calmDown() { terminate(NGHTTP2_ENHANCE_YOUR_CALM); }

void Http2ServerConnection::startExchange(Http2ServerStream& stream) {
  stream.counted_ = true;
  environment_.requests.add();
  environment_.active_requests.add(1);
  RequestHead& head = stream.builder_.head();
  if (stream.refused_with_) {
    stream.handler_done_ = true;
    stream.builder_.forgetFields();
    sendText(stream, *stream.refused_with_, "The request was refused.\n");
    return;
  }
  stream.request_.head = std::move(head);
  stream.builder_.forgetFields();
  stream.builder_.head().method = stream.request_.head.method;
  stream.request_.body = &stream.inbound;
  stream.request_.peer = &Http2Session::stream().peer();
  stream.task_.emplace(serve(stream));
  stream.task_->start();
}

Task<void> Http2ServerConnection::serve(Http2ServerStream& stream) {
  co_await environment_.handler.handle(stream.request_, stream);
  stream.handlerEnded();
  served_.push_back(&stream);
  requestTurn();
}

void Http2ServerConnection::endExchange(Http2ServerStream& stream) {
  // Where the peer is told to stop sending, the exchange has ended before that.
  if (!stream.counted_ || stream.refuse_at_) return;
  environment_.active_requests.add(-1);
  const RequestHead& head = stream.refused_with_ ? stream.builder_.head() : stream.request_.head;
  recordExchange(environment_,
                 {.peer = Http2Session::stream().peer().address,
                  .method = head.method,
                  .authority = head.authority,
                  .path = head.path,
                  .version = "HTTP/2",
                  .status = stream.status_,
                  .request_bytes = stream.inbound.receivedBytes(),
                  .response_bytes = stream.content_allowed_ ? stream.written_bytes_ : 0,
                  // The shard's time stands still during a turn.
                  .duration = std::chrono::steady_clock::now() - stream.started_at_,
                  .complete = stream.end_sent});
}

void Http2ServerConnection::sweepStreams() {
  for (Http2ServerStream* stream : std::exchange(served_, {})) stream->forgetRequest();
  for (Http2ServerStream* stream : std::exchange(closed_, {})) {
    stream->task_.reset();
    endExchange(*stream);
    stream->inbound.discard();
    forgetWaiter(*stream);
    std::erase(served_, stream);  // a stream may be served while another one of these ends
    streams_.erase(stream->id);
    idle_since_ = now();
  }
}

void Http2ServerConnection::connectionLost(const Error&) {
  for (auto& [id, stream] : streams_) {
    stream->closed = true;
    stream->task_.reset();
    endExchange(*stream);
  }
  forgetWaiters();
  served_.clear();
  closed_.clear();
  streams_.clear();
}

void Http2ServerConnection::contentWanted(std::int32_t stream_id, bool first) {
  Http2Stream* stream = over() ? nullptr : find(stream_id);
  if (stream == nullptr) return;
  if (first) own(*stream).sendContinue();
  checkBefore(stream->inbound.pace().deadline(environment_.limits.body_idle_timeout,
                                              environment_.limits.min_body_bytes_per_second));
}

void Http2ServerConnection::startRoundTrip(const Http2ServerStream& stream) {
  std::array<std::uint8_t, 8> opaque{};
  std::ranges::copy(kRefusalPing, opaque.begin());
  for (std::size_t i = 0; i < 4; ++i)
    opaque[7 - i] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(stream.id) >> (8 * i));
  nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, opaque.data());
  ++round_trips_;
  requestTurn();
}

void Http2ServerConnection::refuseAfterRoundTrip(Http2ServerStream& stream) {
  startRoundTrip(stream);
  stream.refuse_at_ = stream.refuse_latest_ = now() + kRefusalNotice;
  checkBefore(*stream.refuse_at_);
}

void Http2ServerConnection::refuseWhenItStops(Http2ServerStream& stream) {
  stream.refuse_at_ = now() + kRefusalNotice;
  stream.refuse_latest_ = now() + kSwallowing;
  checkBefore(*stream.refuse_at_);
}

void Http2ServerConnection::openWindow(Http2ServerStream& stream, std::uint64_t byte_count) {
  // What was received and not read yet is part of it.
  const std::uint64_t window = windowBytes(environment_.limits) + byte_count;
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, stream.id,
                                        static_cast<std::int32_t>(window));
  requestTurn();
}

bool Http2ServerConnection::endRoundTrip(const std::uint8_t* opaque) {
  if (round_trips_ == 0 || !std::equal(kRefusalPing.begin(), kRefusalPing.end(), opaque))
    return false;
  --round_trips_;
  std::int32_t id = 0;
  for (std::size_t i = 4; i < 8; ++i) id = (id << 8) | opaque[i];
  Http2Stream* stream = find(id);
  if (stream != nullptr && own(*stream).refuse_at_) resetStream(*stream, NGHTTP2_NO_ERROR);
  return true;
}

// RFC 9113 6.8: the first GOAWAY stops new requests without refusing those under way.
void Http2ServerConnection::startDrain() {
  if (over() || std::exchange(draining_, true)) return;
  if (peer_leaves_) return sendGoaway();  // nghttp2 says no more than that to such a peer
  nghttp2_submit_shutdown_notice(session());
  requestTurn();
}

// A request that crosses this was not served, as the client knows by it.
void Http2ServerConnection::beforeEviction() {
  if (over()) return;
  terminate(NGHTTP2_NO_ERROR);
  sendNow();
}

// Not before: nghttp2 sends a PING ahead of whatever else waits, and then its answer would not
// show that the peer knows.
void Http2ServerConnection::onGoawaySent(const nghttp2_goaway& frame) {
  if (frame.error_code != NGHTTP2_NO_ERROR) environment_.protocol_errors.add();
  if (!draining_ || frame.last_stream_id != INT32_MAX) return;
  nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, kDrainPing.data());
  drain_notice_at_ = now();
  checkBefore(now() + kDrainNotice);
}

void Http2ServerConnection::sendGoaway() {
  goaway_due_ = true;
  requestTurn();
}

void Http2ServerConnection::beforeSending() {
  if (!goaway_due_ || last_stream_id_ || outputBlocked()) return;
  last_stream_id_ = nghttp2_session_get_last_proc_stream_id(session());
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE, *last_stream_id_, NGHTTP2_NO_ERROR, nullptr,
                        0);
}

void Http2ServerConnection::turnEnded() {
  if (over()) return;
  const ServerLimits& limits = environment_.limits;
  if (outputBlocked()) checkBefore(blockedSince() + limits.write_idle_timeout);
  if (streams_.empty() && !terminating()) checkBefore(idle_since_ + limits.idle_timeout);
}

void Http2ServerConnection::checkBefore(TimePoint when) {
  if (when >= next_check_) return;
  next_check_ = when;
  limit_timer_.armAt(when);
}

void Http2ServerConnection::checkLimits() {
  next_check_ = TimePoint::max();
  if (over()) return;
  TimePoint earliest = checkConnection(now());
  for (auto& [id, stream] : streams_) earliest = std::min(earliest, checkStream(*stream, now()));
  if (earliest != TimePoint::max())
    checkBefore(std::max(earliest, now() + std::chrono::milliseconds(1)));
}

std::size_t Http2ServerConnection::waitingStreams() const {
  const auto waits = [](const auto& entry) { return entry.second->outbound.queuedBytes() > 0; };
  return std::max<std::size_t>(static_cast<std::size_t>(std::ranges::count_if(streams_, waits)), 1);
}

TimePoint Http2ServerConnection::checkConnection(TimePoint now) {
  const ServerLimits& limits = environment_.limits;
  TimePoint earliest = TimePoint::max();
  const auto over_due = [&](TimePoint deadline) {
    if (deadline <= now) return true;
    earliest = std::min(earliest, deadline);
    return false;
  };
  if (!settings_received_ && over_due(opened_at_ + limits.header_timeout)) {
    close(Error(ErrorCode::kDeadlineExceeded, "no HTTP/2 preface"));
  }
  const auto peer_rests = [&] {
    return outputBlocked() && blockedSince() + limits.write_idle_timeout <= now;
  };
  if (peer_rests()) offerAgain(waitingStreams());
  if (outputBlocked() && over_due(blockedSince() + limits.write_idle_timeout)) {
    close(Error(ErrorCode::kDeadlineExceeded, "the peer takes nothing"));
  }
  if (streams_.empty() && !terminating() && over_due(idle_since_ + limits.idle_timeout)) {
    terminate(NGHTTP2_NO_ERROR);
  }
  if (drain_notice_at_ && !goaway_due_ && over_due(*drain_notice_at_ + kDrainNotice)) {
    sendGoaway();
  }
  return earliest;
}

TimePoint Http2ServerConnection::checkStream(Http2ServerStream& stream, TimePoint now) {
  const ServerLimits& limits = environment_.limits;
  if (stream.closed) return TimePoint::max();
  if (!stream.head_received_) {
    // Only one head can be incomplete, and nothing else can be sent meanwhile.
    const TimePoint deadline = stream.started_at_ + limits.header_timeout;
    if (deadline <= now) calmDown();
    return deadline <= now ? TimePoint::max() : deadline;
  }
  TimePoint earliest = TimePoint::max();
  if (stream.refuse_at_) {
    if (*stream.refuse_at_ > now) return *stream.refuse_at_;
    resetStream(stream, NGHTTP2_NO_ERROR);
    return earliest;
  }
  const TimePoint body_deadline =
      stream.inbound.pace().deadline(limits.body_idle_timeout, limits.min_body_bytes_per_second);
  if (body_deadline <= now) {
    stream.inbound.fail(Error(ErrorCode::kDeadlineExceeded, "the request's content is too slow"));
    wakeLater(stream);
  } else {
    earliest = body_deadline;
  }
  if (stream.outbound.queuedBytes() == 0) return earliest;
  // Whether the connection takes too long is judged by itself.
  if (waitsForConnection(stream)) stream.outbound.judgeFrom(now);
  const TimePoint write_deadline = stream.outbound.lastProgress() + limits.write_idle_timeout;
  if (write_deadline > now) return std::min(earliest, write_deadline);
  stream.cut_off_ = true;
  stream.outbound.fail(Error(ErrorCode::kDeadlineExceeded, "the client takes nothing"));
  resetStream(stream, NGHTTP2_CANCEL);
  wakeLater(stream);
  return earliest;
}

std::unique_ptr<Connection> makeHttp2Connection(ConnectionEnvironment& environment,
                                                std::unique_ptr<net::Stream> stream,
                                                std::string received) {
  return std::make_unique<Http2ServerConnection>(environment, std::move(stream),
                                                 std::move(received));
}

}  // namespace nimbus::http
