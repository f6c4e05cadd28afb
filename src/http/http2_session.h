#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/bytes.h"
#include "base/sync.h"
#include "base/task.h"
#include "http/headers.h"
#include "http/http2_body.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::http {

// What both sides keep for one stream. Owned by the session, and destroyed only at the end of one
// of its turns, so that a raw pointer is good until then.
struct Http2Stream {
  Http2Stream(Http2FlowControl& flow, std::int32_t stream_id, std::size_t high_water_bytes,
              TakePace pace = TakePace())
      : id(stream_id), inbound(flow, stream_id), outbound(high_water_bytes, pace) {}
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;
  virtual ~Http2Stream() = default;

  // Resumes whoever waits for something that came true. Outside of nghttp2 only.
  virtual void wake() {
    inbound.wake();
    outbound.wake();
  }

  std::int32_t id;
  Http2Inbound inbound;
  Http2Outbound outbound;
  Headers trailers_out;
  bool listed = false;    // among those to wake at the end of the turn
  bool closed = false;    // nghttp2 forgot it
  bool reset = false;     // by us
  bool end_sent = false;  // our side is complete, down to the last byte
  std::uint32_t close_code = 0;
};

// Header fields on their way into nghttp2, which copies them when they are submitted.
class Http2FieldList {
 public:
  void add(std::string_view name, std::string_view value);
  // All fields but `except` and those that belong to a connection and must not be in HTTP/2. False
  // if some were left out because they are malformed: guests fill them.
  bool addAll(const Headers& headers, std::string_view except = {});
  // Those that may stand behind content (RFC 9110 6.5.1), and are not malformed.
  void addTrailers(const Headers& trailers);
  // False: nghttp2 would not send them, or the peer's would not take them.
  [[nodiscard]] bool fit() const {
    return block_bytes_ <= kMaxHeaderBlockBytes && longest_bytes_ <= kMaxTextBytes;
  }
  [[nodiscard]] const nghttp2_nv* data() const { return fields_.data(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

  // Guests may have 128 KiB of names and values in a set of fields.
  static constexpr std::size_t kMaxHeaderBlockBytes = 256 * 1024;

 private:
  // A peer with nghttp2 ends the whole connection over a name or a value that is longer.
  static constexpr std::size_t kMaxTextBytes = 64 * 1024;
  // What nghttp2 assumes that a field costs besides its text, and a block besides its fields.
  static constexpr std::size_t kFieldBytes = 12;
  static constexpr std::size_t kBlockBytes = 17;

  std::vector<nghttp2_nv> fields_;
  std::size_t block_bytes_ = kBlockBytes;
  std::size_t longest_bytes_ = 0;
};

// RFC 9113 8.2.2: fields that mean something to one HTTP/1 connection only.
[[nodiscard]] bool isConnectionField(std::string_view name);

// Whether there is more in it than padding (RFC 9113 10.5).
[[nodiscard]] bool hasContent(const nghttp2_frame& frame);

// The ground of both ends of an HTTP/2 connection: it feeds nghttp2 with what comes, sends what it
// has to say once per turn of the shard's loop, and keeps the two apart from the coroutines that
// use the streams. Three rules make that safe:
//  * nghttp2's callbacks only record. Whoever waits is resumed in runDeferred(), at the end of the
//    turn, when no frame of nghttp2, of the read loop or of a timer is on the stack.
//  * What runs inside a coroutine (a handler that writes) only submits and asks for a turn.
//  * Streams are destroyed in runDeferred() only.
// Lives on one shard. The owner runs readLoop() until it returns and then destroys the session.
class Http2Session : public net::Deferred, public Http2FlowControl {
 public:
  ~Http2Session() override;
  void runDeferred() final;

  void contentConsumed(std::int32_t stream_id, std::size_t byte_count) override;
  [[nodiscard]] TimePoint now() const override { return shard_.now(); }
  [[nodiscard]] net::Shard& shard() { return shard_; }

  // Adds content (or, after outbound.finish(), the end) that nghttp2 should know about.
  void outboundChanged(Http2Stream& stream);
  void resetStream(Http2Stream& stream, std::uint32_t code);

 protected:
  Http2Session(net::Shard& shard, std::unique_ptr<net::Stream> stream, TakePace pace = TakePace());

  // The sides differ in the session they make; `options` is freed.
  enum class Side { kServer, kClient };
  void makeSession(Side side, nghttp2_option* options);

  // Reads until the peer or close() ends the connection. `received` was read before.
  [[nodiscard]] Task<void> readLoop(std::string received);

  // Asks for a turn: output is sent, waiters are resumed, closed streams are swept.
  void requestTurn();
  void wakeLater(Http2Stream& stream);
  // Before all streams are destroyed.
  void forgetWaiters() { to_wake_.clear(); }
  // Before this stream is destroyed.
  void forgetWaiter(Http2Stream& stream);

  // A provider that takes content from the stream's outbound side, and then its trailers.
  [[nodiscard]] nghttp2_data_provider outboundProvider(Http2Stream& stream);

  // Says GOAWAY with this code; the connection closes once that is sent.
  void terminate(std::uint32_t code);
  [[nodiscard]] std::size_t unsentBytes() const { return out_.size() - sent_; }
  // Sends at once what can be sent without waiting. Not within nghttp2's callbacks.
  void sendNow() { pump(); }
  // No more reading and writing. Everything that waits for the streams gets an error.
  void close(Error reason) { endWith(std::move(reason)); }

  // --- For the sides; the first group is called by nghttp2 and must only record.
  // False: a HEADERS frame on this stream is an error of the connection.
  [[nodiscard]] virtual bool admitsHeaders(std::int32_t /*stream_id*/) { return true; }
  virtual int onBeginHeaders(const nghttp2_frame& frame) = 0;
  virtual int onHeader(const nghttp2_frame& frame, std::string_view name,
                       std::string_view value) = 0;
  virtual void onFrame(const nghttp2_frame& frame) = 0;
  virtual void onContent(Http2Stream& stream, ByteView bytes) = 0;
  virtual void onStreamClosed(Http2Stream& stream) = 0;
  virtual void onFrameSent(const nghttp2_frame&) {}
  virtual void onInvalidFrame(const nghttp2_frame&) {}
  // A head or trailers of this stream will not be sent, since they are too large.
  virtual void onHeadersNotSent(Http2Stream& stream) = 0;
  // In runDeferred(), after waiters were resumed: forget closed streams.
  virtual void sweepStreams() = 0;
  // In runDeferred(), just before output is collected. Nothing can come in between.
  virtual void beforeSending() {}
  // In runDeferred(): keeps the session alive through it, if others may drop it meanwhile.
  [[nodiscard]] virtual std::shared_ptr<void> keepAlive() { return nullptr; }
  // Near the end of each turn, when all waiters were resumed.
  virtual void turnEnded() {}
  // True if nothing is open, so that no read buffer should be held while waiting.
  [[nodiscard]] virtual bool quiet() const = 0;
  // No stream goes on: the transport or the protocol failed, or all is done. Called once, in
  // runDeferred().
  virtual void connectionLost(const Error& error) = 0;

  [[nodiscard]] nghttp2_session* session() { return session_; }
  [[nodiscard]] const net::Stream& stream() const { return *stream_; }
  [[nodiscard]] Http2Stream* find(std::int32_t stream_id);
  // GOAWAY was said by terminate().
  [[nodiscard]] bool terminating() const { return terminating_; }
  [[nodiscard]] bool over() const { return lost_ || finishing_; }
  [[nodiscard]] bool outputBlocked() const { return output_blocked_; }
  // Since when the peer has not taken enough of it (TakePace).
  [[nodiscard]] TimePoint blockedSince() const { return output_pace_.since(); }
  // Offers the peer what is unsent although the system has told of no room: of a socket it tells
  // only once much of it is free. It is of so many streams. Not within nghttp2's callbacks.
  void offerAgain(std::size_t streams);
  // Whether content of the stream waits for the connection, not for its window.
  [[nodiscard]] bool waitsForConnection(const Http2Stream& stream) const;

 private:
  friend struct Http2Callbacks;
  static constexpr std::size_t kReadBytes = 32 * 1024;
  static constexpr std::size_t kOutputBytes = 64 * 1024;
  // Frames that wait to be sent. Beyond it nothing more is read: a peer that takes no answers
  // cannot make us queue them.
  static constexpr std::size_t kMaxQueuedFrames = 1024;
  // After so many the other connections of the shard have their turn: of some frames, which need
  // neither an answer nor a window, a peer can send so many that there is always one to read.
  static constexpr unsigned kMaxReadsInTurn = 4;
  // After GOAWAY the peer's last bytes are swallowed for so long, since closing with unread bytes
  // would make the kernel reset the connection and the peer lose the GOAWAY.
  static constexpr Duration kLinger = std::chrono::seconds(1);

  void feed(ByteView bytes);
  [[nodiscard]] bool backlogged() const;
  void beginTurn();
  void endTurn();
  void resumeWaiters();
  void pump();
  void collectOutput();
  void flushOutput();
  // False: the peer takes no more than a part of it for now.
  [[nodiscard]] bool sendOutput(std::size_t streams = 1);
  [[nodiscard]] bool finished() const;
  void startFinishing();
  void tellLoss(const Error& error);
  void endWith(Error error);
  [[nodiscard]] Task<void> awaitWritable();
  [[nodiscard]] Task<void> sendFin();

  net::Shard& shard_;
  std::unique_ptr<net::Stream> stream_;
  nghttp2_session* session_ = nullptr;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  std::string out_;
  std::size_t sent_ = 0;
  unsigned reads_in_turn_ = 0;
  std::vector<Http2Stream*> to_wake_;
  std::optional<Task<void>> writable_wait_;
  std::optional<Task<void>> fin_;
  net::Timer linger_;
  Event may_read_;
  TakePace output_pace_;
  bool output_blocked_ = false;
  bool writable_came_ = false;
  bool input_over_ = false;  // the peer closed, or broke the protocol
  bool lost_ = false;        // the transport is unusable
  bool loss_told_ = false;
  bool reading_paused_ = false;
  bool transport_closed_ = false;
  bool finishing_ = false;  // everything is said; waits for the peer to close too
  bool in_turn_ = false;
  bool terminating_ = false;
  std::optional<Error> failure_;
};

}  // namespace nimbus::http
