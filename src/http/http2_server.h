#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "http/connection.h"
#include "http/http2_limits.h"
#include "http/http2_request.h"
#include "http/http2_session.h"
#include "http/skipped_streams.h"

namespace nimbus::http {

class Http2ServerConnection;

// One request and its response. The handler's task belongs to it: when the stream goes, so does
// the work.
class Http2ServerStream final : public Http2Stream, public ResponseWriter {
 public:
  Http2ServerStream(Http2ServerConnection& connection, std::int32_t stream_id);

  void sendHead(const ResponseHead& head, std::optional<std::uint64_t> length) override;
  [[nodiscard]] Task<Result<void>> write(Bytes bytes) override;
  [[nodiscard]] Task<Result<void>> write(ByteView bytes) override;
  void finish(const Headers& trailers) override;
  void abort() override;
  [[nodiscard]] bool headSent() const override { return status_ != 0; }

  void wake() override;

 private:
  friend class Http2ServerConnection;

  void submitHead(const ResponseHead& head, std::optional<std::uint64_t> length);
  void sendContinue();
  [[nodiscard]] Result<void> admitContent(std::size_t byte_count);
  void handlerEnded();
  // Nobody but the access log asks for it any more. The response may take long to be read.
  void forgetRequest();
  // The response ended before the request did: the peer shall stop (RFC 9113 8.1).
  void refuseRestOfRequest();
  // The client stops by itself soon: it sees a failure.
  [[nodiscard]] bool stopsByItself() const { return status_ >= 300; }
  // The response is about to end. A client that sees a success goes on to send, and curl 7.88 loses
  // the response if it is told to stop meanwhile, and waits forever if there is no window left by
  // then: so the rest may come, if it is bounded.
  void swallowRestOfRequest();

  Http2ServerConnection& connection_;
  Http2RequestBuilder builder_;
  ServerRequest request_;
  std::optional<Task<void>> task_;
  std::optional<std::uint16_t> refused_with_;
  std::optional<std::uint64_t> announced_bytes_;  // of the response
  std::uint64_t written_bytes_ = 0;
  TimePoint started_at_;
  std::uint16_t status_ = 0;
  bool head_received_ = false;
  bool counted_ = false;
  bool content_allowed_ = true;  // in the response
  bool response_ended_ = false;  // finish() or abort() was called
  bool cut_off_ = false;         // by us
  bool too_large_ = false;
  bool continue_due_ = false;
  bool handler_done_ = false;
  bool swallows_ = false;  // the rest of the request
  // When the peer is told to stop, unless more content comes, and when at the latest.
  std::optional<TimePoint> refuse_at_;
  TimePoint refuse_latest_;
};

// The server's end of an HTTP/2 connection (RFC 9113). See Http2Session for how it works together
// with the shard.
class Http2ServerConnection final : public Connection, private Http2Session {
 public:
  Http2ServerConnection(ConnectionEnvironment& environment, std::unique_ptr<net::Stream> stream,
                        std::string received);
  ~Http2ServerConnection() override;

  [[nodiscard]] Task<void> run() override;
  void startDrain() override;
  void beforeEviction() override;
  [[nodiscard]] std::optional<TimePoint> idleSince() const override {
    const bool idle = streams_.empty() && unsentBytes() == 0;
    return idle ? std::optional(idle_since_) : std::nullopt;
  }

 private:
  friend class Http2ServerStream;

  [[nodiscard]] bool admitsHeaders(std::int32_t stream_id) override {
    return skipped_.admits(stream_id);
  }
  int onBeginHeaders(const nghttp2_frame& frame) override;
  int onHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void onFrame(const nghttp2_frame& frame) override;
  void onContent(Http2Stream& stream, ByteView bytes) override;
  void onStreamClosed(Http2Stream& stream) override;
  void onFrameSent(const nghttp2_frame& frame) override;
  void onInvalidFrame(const nghttp2_frame& frame) override;
  void onHeadersNotSent(Http2Stream& stream) override;
  void sweepStreams() override;
  void beforeSending() override;
  void turnEnded() override;
  [[nodiscard]] bool quiet() const override { return streams_.empty(); }
  void connectionLost(const Error& error) override;
  void contentWanted(std::int32_t stream_id, bool first) override;

  void submitSettings();
  void onHead(Http2ServerStream& stream, bool end_stream);
  void onControlFrame(const nghttp2_frame& frame);
  void startExchange(Http2ServerStream& stream);
  [[nodiscard]] Task<void> serve(Http2ServerStream& stream);
  void endExchange(Http2ServerStream& stream);
  // By a PING, whose answer ends it.
  void startRoundTrip(const Http2ServerStream& stream);
  // Tells the peer to stop once it has the response, as it shows by the answer to a PING: some
  // clients lose a response that a reset follows on its heels.
  void refuseAfterRoundTrip(Http2ServerStream& stream);
  // Tells the peer to stop if it sends no content for a while, or takes too long.
  void refuseWhenItStops(Http2ServerStream& stream);
  // So that the peer can send this many bytes without waiting for more of a window.
  void openWindow(Http2ServerStream& stream, std::uint64_t byte_count);
  // False: that answers none of those PINGs.
  bool endRoundTrip(const std::uint8_t* opaque);
  void onGoawaySent(const nghttp2_goaway& frame);
  // Names the last request that is served, as soon as that can be said at once.
  void sendGoaway();
  void calmDown();

  // Time limits are looked at together, when the earliest of them may have passed.
  void checkBefore(TimePoint when);
  void checkLimits();
  [[nodiscard]] TimePoint checkConnection(TimePoint now);
  // Those with content that was not sent yet; at least one.
  [[nodiscard]] std::size_t waitingStreams() const;
  [[nodiscard]] TimePoint checkStream(Http2ServerStream& stream, TimePoint now);

  ConnectionEnvironment& environment_;
  std::string received_;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2ServerStream>> streams_;
  SkippedStreams skipped_;
  std::vector<Http2ServerStream*> closed_;
  std::vector<Http2ServerStream*> served_;  // their handlers have ended
  EventRate resets_;
  EventRate control_frames_;
  net::Timer limit_timer_;
  TimePoint next_check_ = TimePoint::max();
  TimePoint opened_at_;
  TimePoint idle_since_;
  std::optional<TimePoint> drain_notice_at_;  // when the first GOAWAY was sent
  // In the last GOAWAY. What is above it must not run: the peer may send it again elsewhere.
  std::optional<std::int32_t> last_stream_id_;
  std::size_t request_count_ = 0;
  std::size_t round_trips_ = 0;  // that have begun and not ended
  bool settings_received_ = false;
  bool draining_ = false;
  bool peer_leaves_ = false;  // it said GOAWAY
  bool goaway_due_ = false;
};

}  // namespace nimbus::http
