#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/sync.h"
#include "http/take_pace.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::http {

// What a connection has to send. Heads and small pieces collect in one text buffer, large pieces
// are queued without copying; all of it is sent by one call at the end of the loop's turn. When the
// peer takes nothing a task waits for the socket. Errors of the stream make it failed() for good,
// and everything unsent is dropped.
class OutputQueue final : private net::Deferred {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // The stream broke. May be called from within textAdded() and append() too.
    virtual void outputFailed() = 0;
    // The peer takes nothing at the moment; see lastProgress().
    virtual void outputStalled() = 0;
  };

  OutputQueue(net::Shard& shard, net::Stream& stream, std::size_t high_water_bytes, Owner& owner,
              TakePace pace = TakePace());

  // For serialisers: append to it, then call textAdded().
  [[nodiscard]] std::string& text() [[clang::lifetimebound]] { return text_; }
  void textAdded();

  // Copies small pieces, shares large ones.
  void append(Bytes bytes);
  // Sends at once what the peer takes and copies the rest: callers wait for roomy() before and
  // bound the size.
  void append(ByteView bytes);

  [[nodiscard]] std::size_t unsent() const { return queued_bytes_ + text_.size() - sent_; }
  [[nodiscard]] bool congested() const { return unsent() > high_water_bytes_ && !failed_; }
  [[nodiscard]] bool failed() const { return failed_; }
  // When the peer had taken enough at last (TakePace), or began to have something to take.
  [[nodiscard]] TimePoint lastProgress() const { return pace_.since(); }
  // Looks whether the peer takes something by now. The system tells of room only when there is much
  // of it, of a Unix socket when three quarters are free: so long a slow reader would seem to rest.
  void offerAgain() { flush(); }

  // Not more than the high-water mark is unsent, or all hope is lost.
  [[nodiscard]] Task<void> roomy();
  // Everything is sent, or all hope is lost.
  [[nodiscard]] Task<void> flushed();

  // Drops everything; nothing more is sent.
  void fail();
  // Between messages: gives memory back.
  void releaseMemory();

 private:
  void runDeferred() override { flush(); }
  void flush();
  void sendUnsent();
  std::size_t trySend(std::span<const ByteView> pieces);
  void taken(std::size_t count);
  void textTaken(std::size_t count);
  void startWriting();
  [[nodiscard]] Task<void> writeLoop();

  net::Shard& shard_;
  net::Stream& stream_;
  const std::size_t high_water_bytes_;
  const std::size_t largest_copied_;
  Owner& owner_;
  std::vector<Bytes> queue_;  // sent before text_, from index next_ on
  std::size_t next_ = 0;
  std::size_t queued_bytes_ = 0;
  std::string text_;
  std::size_t sent_ = 0;  // of text_
  bool failed_ = false;
  bool writing_ = false;  // writer_ waits for the socket
  TakePace pace_;
  Event roomy_;
  Event flushed_;
  bool idle_ = true;
  std::optional<Task<void>> writer_;
};

}  // namespace nimbus::http
