#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/joined_pieces.h"
#include "http/message.h"
#include "net/shard.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Content in flight each way between a guest and an outgoing request.
inline constexpr std::uint64_t kEgressWindowBytes = 64 * 1024;

struct OutgoingTimeouts {
  std::optional<Duration> connect;
  std::optional<Duration> first_byte;
  std::optional<Duration> between_bytes;
};

// An HTTP request that a guest sends, to the world or to another component. The guest's side may
// run on any thread; what it says comes through a mailbox to the shard, where everything below is
// called.
//
// Shared by the shard's task that carries the request out and, through its token, by the engine.
class OutgoingRequest final : public std::enable_shared_from_this<OutgoingRequest> {
 public:
  OutgoingRequest(net::Shard& shard, NimbusEgress* raw, const NimbusEgressRequest& request);
  ~OutgoingRequest();
  OutgoingRequest(const OutgoingRequest&) = delete;
  OutgoingRequest& operator=(const OutgoingRequest&) = delete;

  [[nodiscard]] http::RequestHead& head() { return head_; }
  [[nodiscard]] const OutgoingTimeouts& timeouts() const { return timeouts_; }
  // The request's content; the guest writes on as it is read.
  [[nodiscard]] http::BodyReader& body();

  // Takes over what the guest has said of its content so far, without waiting.
  void takeContent();
  // Completes once the guest has said anything of its content, or that there is none; or after
  // `limit`, since a guest may keep its content open until the response comes. After that
  // body().empty() tells a request without content.
  [[nodiscard]] Task<void> contentBegun(Duration limit);

  // The guest lost interest: give up. Set once.
  [[nodiscard]] Event& cancelled() { return cancelled_; }

  void respond(const http::ResponseHead& head);
  // Passes content on; completes when the guest has taken enough of what went before.
  [[nodiscard]] Task<void> push(Bytes bytes);
  void end(const http::Headers& trailers);
  // `error_code` is a case of wasi:http/types.error-code, such as "connection-refused".
  void fail(std::string_view error_code, std::string_view message);

  // Lets go of the guest's side, which sees "connection-terminated" if it still waits. Whoever
  // carries the request out calls it at the end, whatever happened: the object lives until then.
  void close();

  // --- for the engine's callbacks, any thread
  void mailBody(NimbusOwnedBytes bytes);
  void mailBodyEnd(const NimbusField* trailers, std::size_t count);
  void mailBodyError();
  void mailConsumed(std::size_t bytes);
  void mailCancel();

 private:
  class Body;
  struct Mail {
    JoinedPieces content;
    bool ended = false;
    bool failed = false;
    bool cancelled = false;
    http::Headers trailers;
    std::uint64_t consumed_bytes = 0;
  };
  template <typename Change>
  void mail(Change change);
  void readMail();

  net::Shard& shard_;
  NimbusEgress* raw_;      // null once closed
  bool complete_ = false;  // the guest has all it can get
  http::RequestHead head_;
  OutgoingTimeouts timeouts_;
  std::unique_ptr<Body> body_;
  Event cancelled_;
  std::uint64_t in_flight_bytes_ = 0;  // of the response's content
  Event window_open_;

  std::mutex mutex_;
  Mail mail_;            // under the mutex
  bool posted_ = false;  // under the mutex
};

}  // namespace nimbus::engine
