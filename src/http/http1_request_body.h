#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/sync.h"
#include "http/http1_body_decoder.h"
#include "http/http1_input.h"
#include "http/server.h"
#include "net/shard.h"

namespace nimbus::http {

// The content of the request that an HTTP/1 connection is answering, taken from the connection's
// input as the handler asks for it. One object serves all requests of its connection.
class RequestBody final : public BodyReader {
 public:
  // The connection around it.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Input was used up: more may be read from the socket.
    virtual void inputConsumed() = 0;
    // The client waits for "100 Continue" before it sends the content.
    virtual void sendContinue() = 0;
    // deadline() changed.
    virtual void bodyDeadlineChanged() = 0;
  };

  RequestBody(net::Shard& shard, const ServerLimits& limits, InputBuffer& input, Owner& owner);

  void start(const HeadControl& control);

  Task<Result<std::optional<Bytes>>> read() override;
  [[nodiscard]] bool empty() const override { return empty_; }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }
  [[nodiscard]] const Headers& trailers() const override { return decoder_.trailers(); }

  // Swallows what the handler left, up to the limit; true if the next request can follow.
  [[nodiscard]] Task<bool> drain();
  // The client waits for "100 Continue" and was not told so: it may send the content or not.
  [[nodiscard]] bool awaitsContinue() const { return continue_wanted_ && input_.empty(); }
  [[nodiscard]] bool complete() const { return decoder_.state() == ParseState::kDone; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] std::uint64_t received() const { return decoder_.received(); }

  // When the peer has been too slow: only while somebody waits for content.
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

  // From the connection: input arrived, ended, or the deadline passed.
  void inputArrived() { arrived_.set(); }
  void inputEnded();
  void deadlinePassed();
  void releaseMemory() { decoder_.releaseMemory(); }

 private:
  class Waiting;

  [[nodiscard]] bool drainable() const;
  [[nodiscard]] Bytes takeAvailable();
  void checkDecoder();
  void beginWait();
  void endWait();

  net::Shard& shard_;
  const ServerLimits& limits_;
  InputBuffer& input_;
  Owner& owner_;
  BodyDecoder decoder_;
  Event arrived_;
  bool empty_ = true;
  std::optional<std::uint64_t> length_;
  bool continue_wanted_ = false;
  std::optional<Error> error_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint wait_began_{};
  Duration waited_{};  // for this content, altogether
};

}  // namespace nimbus::http
