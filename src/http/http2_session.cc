#include "http/http2_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/http1_fields.h"

namespace nimbus::http {
namespace {

nghttp2_nv fieldOf(std::string_view name, std::string_view value) {
  // nghttp2 copies what it is given; the interface only lacks the const.
  return {const_cast<std::uint8_t*>(asBytes(name).data()),
          const_cast<std::uint8_t*>(asBytes(value).data()), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

bool hasContent(const nghttp2_frame& frame) {
  const std::size_t padding = frame.hd.type == NGHTTP2_DATA ? frame.data.padlen : 0;
  return frame.hd.length > padding;
}

bool isConnectionField(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" ||
         name == "transfer-encoding" || name == "upgrade" || name == "host" || name == "te";
}

void Http2FieldList::add(std::string_view name, std::string_view value) {
  fields_.push_back(fieldOf(name, value));
  block_bytes_ += name.size() + value.size() + kFieldBytes;
  longest_bytes_ = std::max({longest_bytes_, name.size(), value.size()});
}

bool Http2FieldList::addAll(const Headers& headers, std::string_view except) {
  bool valid = true;
  fields_.reserve(fields_.size() + headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderField field = headers[i];
    if (field.name == except || isConnectionField(field.name)) continue;
    const bool fine = isToken(field.name) && isFieldValue(field.value);
    if (fine) add(field.name, field.value);
    valid = valid && fine;
  }
  return valid;
}

void Http2FieldList::addTrailers(const Headers& trailers) {
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    const HeaderField field = trailers[i];
    if (classifyField(field.name) != FieldKind::kOrdinary || isConnectionField(field.name))
      continue;
    if (isToken(field.name) && isFieldValue(field.value)) add(field.name, field.value);
  }
}

// The functions that nghttp2 calls, with the session as their user data.
struct Http2Callbacks {
  static Http2Session& self(void* user_data) { return *static_cast<Http2Session*>(user_data); }

  // What nghttp2 passes over, and is an error of the connection: PRIORITY on stream 0 (RFC 9113
  // 6.3), and what admitsHeaders() refuses.
  static int beginFrame(nghttp2_session*, const nghttp2_frame_hd* head, void* user_data) {
    bool admitted = true;
    if (head->type == NGHTTP2_PRIORITY) admitted = head->stream_id != 0;
    if (head->type == NGHTTP2_HEADERS) admitted = self(user_data).admitsHeaders(head->stream_id);
    return admitted ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int beginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    return self(user_data).onBeginHeaders(*frame);
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
                    std::uint8_t, void* user_data) {
    return self(user_data).onHeader(*frame, asText({name, name_bytes}),
                                    asText({value, value_bytes}));
  }

  // nghttp2 would pass over malformed fields; we refuse the message (RFC 9113 8.2.1).
  static int invalidHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                           const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    self(user_data).onFrame(*frame);
    return 0;
  }

  static int invalidFrame(nghttp2_session*, const nghttp2_frame* frame, int, void* user_data) {
    self(user_data).onInvalidFrame(*frame);
    return 0;
  }

  static int frameSent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    self(user_data).onFrameSent(*frame);
    return 0;
  }

  // All other errors mean that the stream or the session ends anyway.
  static int frameNotSent(nghttp2_session*, const nghttp2_frame* frame, int error,
                          void* user_data) {
    if (frame->hd.type != NGHTTP2_HEADERS || error != NGHTTP2_ERR_FRAME_SIZE_ERROR) return 0;
    Http2Stream* stream = self(user_data).find(frame->hd.stream_id);
    if (stream != nullptr) self(user_data).onHeadersNotSent(*stream);
    return 0;
  }

  static int content(nghttp2_session* session, std::uint8_t, std::int32_t stream_id,
                     const std::uint8_t* data, std::size_t byte_count, void* user_data) {
    Http2Stream* stream = self(user_data).find(stream_id);
    if (stream == nullptr) {
      nghttp2_session_consume(session, stream_id, byte_count);
    } else {
      self(user_data).onContent(*stream, {data, byte_count});
    }
    return 0;
  }

  static int streamClosed(nghttp2_session*, std::int32_t stream_id, std::uint32_t code,
                          void* user_data) {
    Http2Stream* stream = self(user_data).find(stream_id);
    if (stream == nullptr) return 0;
    stream->closed = true;
    stream->close_code = code;
    self(user_data).onStreamClosed(*stream);
    return 0;
  }

  static ssize_t readOutbound(nghttp2_session* session, std::int32_t, std::uint8_t*,
                              std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                              void* user_data) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    if (stream.outbound.error()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t queued = stream.outbound.queuedBytes();
    if (queued == 0 && !stream.outbound.finished()) {
      stream.outbound.starved = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    const std::size_t taken = std::min(queued, room);
    if (stream.outbound.finished() && taken == queued) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers_out.empty()) submitTrailers(session, self(user_data), stream, flags);
    }
    return static_cast<ssize_t>(taken);
  }

  static void submitTrailers(nghttp2_session* session, Http2Session& owner, Http2Stream& stream,
                             std::uint32_t* flags) {
    Http2FieldList fields;
    fields.addTrailers(stream.trailers_out);
    if (fields.size() == 0) return;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (!fields.fit()) return owner.onHeadersNotSent(stream);
    nghttp2_submit_trailer(session, stream.id, fields.data(), fields.size());
  }

  static int sendContent(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header,
                         std::size_t byte_count, nghttp2_data_source* source, void* user_data) {
    static constexpr std::size_t kFrameHeaderBytes = 9;
    Http2Session& session = self(user_data);
    // Without this nghttp2 would go on until the windows are used up.
    if (session.unsentBytes() >= Http2Session::kOutputBytes) return NGHTTP2_ERR_WOULDBLOCK;
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    if (stream.outbound.error()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.out_.append(asText({frame_header, kFrameHeaderBytes}));
    stream.outbound.take(byte_count, session.out_, session.now());
    session.wakeLater(stream);
    return 0;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    NIMBUS_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, beginFrame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, invalidFrame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frameNotSent);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, content);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamClosed);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, sendContent);
    return callbacks;
  }
};

Http2Session::Http2Session(net::Shard& shard, std::unique_ptr<net::Stream> stream, TakePace pace)
    : shard_(shard),
      stream_(std::move(stream)),
      linger_(shard,
              [this] { endWith(Error(ErrorCode::kCancelled, "the HTTP/2 connection is over")); }),
      output_pace_(pace) {}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

void Http2Session::makeSession(Side side, nghttp2_option* options) {
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_send_header_block_length(options, Http2FieldList::kMaxHeaderBlockBytes);
  nghttp2_session_callbacks* callbacks = Http2Callbacks::make();
  const int result = side == Side::kServer
                         ? nghttp2_session_server_new2(&session_, callbacks, this, options)
                         : nghttp2_session_client_new2(&session_, callbacks, this, options);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  NIMBUS_CHECK(result == 0);  // out of memory
}

Http2Stream* Http2Session::find(std::int32_t stream_id) {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, stream_id));
}

Task<void> Http2Session::readLoop(std::string received) {
  if (!received.empty()) feed(asBytes(received));
  received = {};
  for (;;) {
    while (backlogged() || reads_in_turn_ == kMaxReadsInTurn) {
      may_read_.clear();
      reading_paused_ = true;
      requestTurn();
      co_await may_read_.wait();
      reading_paused_ = false;
    }
    if (quiet()) {
      read_buffer_.reset();
      const auto ready = co_await stream_->readable();
      if (!ready) break;
    }
    if (!read_buffer_) read_buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReadBytes);
    const auto count = co_await stream_->read({read_buffer_.get(), kReadBytes});
    if (!count || *count == 0) break;
    reads_in_turn_ += 1;
    feed({read_buffer_.get(), *count});
  }
  endWith(Error(ErrorCode::kIo, "the peer closed the HTTP/2 connection"));
}

void Http2Session::feed(ByteView bytes) {
  if (input_over_ || over()) return;  // only swallowed until the peer closes
  const ssize_t taken = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  if (taken < 0) {
    input_over_ = true;
    terminate(taken == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  }
  requestTurn();
}

bool Http2Session::backlogged() const {
  return !over() && nghttp2_session_get_outbound_queue_size(session_) > kMaxQueuedFrames;
}

void Http2Session::requestTurn() {
  if (!in_turn_) shard_.defer(*this);
}

void Http2Session::wakeLater(Http2Stream& stream) {
  if (std::exchange(stream.listed, true)) return;
  to_wake_.push_back(&stream);
  requestTurn();
}

void Http2Session::forgetWaiter(Http2Stream& stream) {
  if (std::exchange(stream.listed, false)) std::erase(to_wake_, &stream);
}

void Http2Session::contentConsumed(std::int32_t stream_id, std::size_t byte_count) {
  if (over()) return;
  nghttp2_session_consume(session_, stream_id, byte_count);
  requestTurn();
}

void Http2Session::outboundChanged(Http2Stream& stream) {
  if (stream.closed || over()) return;
  if (std::exchange(stream.outbound.starved, false)) {
    nghttp2_session_resume_data(session_, stream.id);
  }
  requestTurn();
}

nghttp2_data_provider Http2Session::outboundProvider(Http2Stream& stream) {
  nghttp2_data_provider provider;
  provider.source.ptr = &stream;
  provider.read_callback = Http2Callbacks::readOutbound;
  return provider;
}

void Http2Session::resetStream(Http2Stream& stream, std::uint32_t code) {
  if (stream.closed || over() || std::exchange(stream.reset, true)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
  requestTurn();
}

void Http2Session::terminate(std::uint32_t code) {
  terminating_ = true;
  nghttp2_session_terminate_session(session_, code);
  requestTurn();
}

void Http2Session::endWith(Error error) {
  if (!failure_) failure_.emplace(std::move(error));
  requestTurn();
}

void Http2Session::runDeferred() {
  // Enough to move a few hundred kilobytes; after that other connections have their turn.
  static constexpr int kMaxRounds = 4;
  const auto alive = keepAlive();
  in_turn_ = true;
  beginTurn();
  for (int round = 0; round < kMaxRounds; ++round) {
    resumeWaiters();
    sweepStreams();
    if (!over()) {
      beforeSending();
      pump();
    }
    if (to_wake_.empty()) break;
  }
  turnEnded();
  in_turn_ = false;
  endTurn();
}

void Http2Session::beginTurn() {
  reads_in_turn_ = 0;
  if (std::exchange(writable_came_, false)) {
    writable_wait_.reset();
    output_blocked_ = false;
  }
  if (failure_ && !std::exchange(lost_, true)) tellLoss(*failure_);
}

void Http2Session::tellLoss(const Error& error) {
  if (!std::exchange(loss_told_, true)) connectionLost(error);
}

void Http2Session::endTurn() {
  const bool sendable = !over() && !output_blocked_ && nghttp2_session_want_write(session_) != 0;
  if (!finishing_ && finished()) startFinishing();
  if (sendable || !to_wake_.empty() || writable_came_ || (failure_ && !lost_)) {
    shard_.defer(*this);
  }
  // The last thing of the turn: both resume the read loop, whose end may destroy this session.
  const bool closing = lost_ && !std::exchange(transport_closed_, true);
  if (reading_paused_ && !backlogged()) {
    if (closing) stream_->close();
    may_read_.set();
  } else if (closing) {
    stream_->close();
  }
}

bool Http2Session::finished() const {
  return !over() && unsentBytes() == 0 && nghttp2_session_want_read(session_) == 0 &&
         nghttp2_session_want_write(session_) == 0;
}

void Http2Session::startFinishing() {
  finishing_ = true;
  input_over_ = true;
  linger_.armAfter(kLinger);
  tellLoss(Error(ErrorCode::kUnavailable, "the HTTP/2 connection is over"));
  fin_.emplace(sendFin());
  fin_->start();
}

Task<void> Http2Session::sendFin() {
  const auto sent = co_await stream_->shutdownWrite();
  if (!sent) endWith(sent.error());
}

void Http2Session::resumeWaiters() {
  const std::vector<Http2Stream*> streams = std::exchange(to_wake_, {});
  for (Http2Stream* stream : streams) {
    stream->listed = false;
    stream->wake();
  }
}

void Http2Session::pump() {
  while (!output_blocked_ && !failure_) {
    collectOutput();
    if (unsentBytes() == 0) return;
    flushOutput();
  }
}

void Http2Session::collectOutput() {
  while (unsentBytes() < kOutputBytes) {
    const std::uint8_t* data = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_, &data);
    if (count < 0) return endWith(Error(ErrorCode::kInternal, nghttp2_strerror(int(count))));
    if (count == 0) return;
    out_.append(asText({data, static_cast<std::size_t>(count)}));
  }
}

void Http2Session::flushOutput() {
  if (sendOutput()) return;
  output_blocked_ = true;
  output_pace_.begin(now());
  if (writable_wait_) return;  // it has not come yet, and offerAgain() did without it
  writable_wait_.emplace(awaitWritable());
  writable_wait_->start();
}

bool Http2Session::sendOutput(std::size_t streams) {
  const auto taken = stream_->tryWrite(asBytes(out_).subspan(sent_));
  if (!taken) {
    endWith(taken.error());
    return true;
  }
  output_pace_.took(*taken, now(), streams);
  sent_ += *taken;
  if (unsentBytes() > 0) return false;
  out_.clear();
  sent_ = 0;
  return true;
}

void Http2Session::offerAgain(std::size_t streams) {
  if (!output_blocked_ || failure_ || !sendOutput(streams)) return;
  output_blocked_ = false;
  requestTurn();
}

bool Http2Session::waitsForConnection(const Http2Stream& stream) const {
  return nghttp2_session_get_remote_window_size(session_) > 0 &&
         nghttp2_session_get_stream_remote_window_size(session_, stream.id) > 0;
}

Task<void> Http2Session::awaitWritable() {
  const auto ready = co_await stream_->writable();
  if (!ready) endWith(ready.error());
  writable_came_ = true;
  requestTurn();
}

}  // namespace nimbus::http
