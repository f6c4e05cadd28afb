#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "http/message.h"
#include "http/take_pace.h"

namespace nimbus::http {

// What the content of a stream asks of its session.
class Http2FlowControl {
 public:
  virtual ~Http2FlowControl() = default;
  // The consumer took that many bytes: the peer may send as many more.
  virtual void contentConsumed(std::int32_t stream_id, std::size_t byte_count) = 0;
  // The consumer waits for content from now on (it does so for the first time: `first`).
  virtual void contentWanted(std::int32_t stream_id, bool first) = 0;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

// How fast a peer delivers content while somebody waits for it. Time in which nobody wants any
// does not count.
class ContentPace {
 public:
  void startWaiting(TimePoint now);
  void received(std::size_t byte_count, TimePoint now);
  [[nodiscard]] bool waiting() const { return waiting_; }
  void stopWaiting(TimePoint now);

  // When the wait becomes too long, if nothing more comes: after `idle_timeout`, or when the
  // average falls below `min_bytes_per_second` (not judged in the first ten seconds).
  [[nodiscard]] TimePoint deadline(Duration idle_timeout, std::uint32_t min_bytes_per_second) const;

 private:
  bool waiting_ = false;
  TimePoint waiting_since_{};
  Duration waited_{};
  std::uint64_t received_bytes_ = 0;
};

// Content that comes in on one stream. The session appends while it parses and must not resume
// anybody then; it calls wake() later, once nothing of nghttp2 is on the stack. Reading moves the
// peer's window, so that no more than one window is held here, and one read moves it by one piece
// at most: who reads ahead of somebody slow holds no second window.
class Http2Inbound final : public BodyReader {
 public:
  Http2Inbound(Http2FlowControl& flow, std::int32_t stream_id) : flow_(flow), id_(stream_id) {}

  [[nodiscard]] Task<Result<std::optional<Bytes>>> read() override;
  [[nodiscard]] bool empty() const override { return empty_; }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }
  [[nodiscard]] const Headers& trailers() const override { return trailers_; }

  // What the head says: whether any content follows, and how much.
  void announce(bool empty, std::optional<std::uint64_t> length);
  void append(ByteView bytes);
  // No content and no trailers come any more.
  void end() { ended_ = true; }
  // The rest will not come. The first error stays; after the end it changes nothing.
  void fail(Error error);
  // Nobody will read any more: what is here, and what still comes, is not kept.
  void discard();

  [[nodiscard]] Headers& mutableTrailers() { return trailers_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] std::size_t bufferedBytes() const { return buffered_bytes_; }
  [[nodiscard]] std::uint64_t receivedBytes() const { return received_bytes_; }
  [[nodiscard]] const ContentPace& pace() const { return pace_; }

  // Resumes the reader if there is something for it.
  void wake();

 private:
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  [[nodiscard]] bool settled() const { return buffered_bytes_ > 0 || error_ || ended_; }
  [[nodiscard]] Bytes takePiece();

  Http2FlowControl& flow_;
  std::int32_t id_;
  std::vector<std::string> pieces_;  // a handful; all but the last one are full
  std::size_t buffered_bytes_ = 0;   // in them
  std::uint64_t received_bytes_ = 0;
  bool empty_ = false;
  bool ended_ = false;
  bool ever_wanted_ = false;
  bool discarded_ = false;
  std::optional<std::uint64_t> length_;
  std::optional<Error> error_;
  Headers trailers_;
  ContentPace pace_;
  Event ready_;
};

// Content that goes out on one stream: a writer pushes, nghttp2 pulls when the peer's windows
// allow. As with Http2Inbound, wake() resumes, and nothing else does.
class Http2Outbound {
 public:
  explicit Http2Outbound(std::size_t high_water_bytes, TakePace pace = TakePace())
      : high_water_bytes_(high_water_bytes), pace_(pace) {}

  void push(Bytes bytes, TimePoint now);
  // Nothing is pushed after it.
  void finish() { finished_ = true; }
  // Whoever waits for space gets this error.
  void fail(Error error);

  [[nodiscard]] std::size_t queuedBytes() const { return queued_bytes_; }
  [[nodiscard]] bool full() const {
    return queued_bytes_ >= high_water_bytes_ || pieces_.size() >= kMaxPieces;
  }
  [[nodiscard]] std::size_t room() const { return full() ? 0 : high_water_bytes_ - queued_bytes_; }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  // The last time the peer had taken enough (TakePace), or had nothing to take.
  [[nodiscard]] TimePoint lastProgress() const { return pace_.since(); }
  // What was taken before does not count.
  void judgeFrom(TimePoint now) { pace_.begin(now); }

  // Moves bytes to the end of `into`; there must be as many.
  void take(std::size_t byte_count, std::string& into, TimePoint now);

  // Completes when more may be pushed.
  [[nodiscard]] Task<Result<void>> waitForRoom();
  void wake();

  // nghttp2 asked for data when there was none, and must be told when there is.
  bool starved = false;

 private:
  // Bounds what many tiny pieces cost beside their bytes.
  static constexpr std::size_t kMaxPieces = 512;

  std::deque<Bytes> pieces_;
  std::size_t high_water_bytes_;
  std::size_t queued_bytes_ = 0;
  bool finished_ = false;
  std::optional<Error> error_;
  TakePace pace_;
  Event room_;
};

}  // namespace nimbus::http
