#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/list_link.h"
#include "base/result.h"
#include "base/sync.h"
#include "engine/joined_pieces.h"
#include "http/message.h"
#include "net/shard.h"
#include "rust/engine.h"

namespace nimbus::engine {

// How a guest's call ended.
struct CallOutcome {
  enum class Kind {
    kOk,
    kErrorCode,    // answered with a wasi:http error-code
    kNoResponse,   // returned without answering
    kTrap,         // the message holds the Wasm backtrace
    kExit,         // called exit
    kCollateral,   // the instance ended because of another call on it
    kNotStarted,   // the guest never saw the call: another instance may take it
    kResources,    // no memory or slot for an instance
    kHostFailure,  // a bug in host code
    kTruncated,    // the response's content stopped before its end
    kTimeout,      // the owner's wall-clock limit
    kCpuLimit,     // the owner's CPU limit
  };
  Kind kind = Kind::kOk;
  int exit_code = 0;
  std::string message;
  std::string error_code = {};  // of kErrorCode, by its name in the WIT
};

[[nodiscard]] std::string_view outcomeName(CallOutcome::Kind kind);
[[nodiscard]] CallOutcome outcomeOf(const NimbusOutcome& outcome);

// One HTTP request and its response, between a connection and a guest. The guest's side runs only
// while its call is being polled; what it produced is collected here, and changed() is set after
// the poll, so nothing resumes in the middle of guest code.
//
// Lives on one shard, together with the call that works on it; destroying it tells the guest's
// side to call back no more.
class Exchange : private ListLink<Exchange> {
 public:
  // `window_bytes` of response content may wait here unread. kInvalidArgument if the head cannot be
  // shown to a guest. `deadline`: of the call, for those whom the guest calls meanwhile.
  [[nodiscard]] static Result<std::unique_ptr<Exchange>> create(
      const http::RequestHead& head, bool has_body, std::uint64_t window_bytes,
      std::optional<TimePoint> deadline = std::nullopt);
  ~Exchange();

  // --- the request's content
  void pushBody(Bytes bytes);
  void endBody(const http::Headers& trailers);
  void failBody();
  // Bytes pushed that the guest has not taken yet.
  [[nodiscard]] std::uint64_t unconsumedBytes() const { return pushed_bytes_ - consumed_bytes_; }
  [[nodiscard]] bool anyConsumed() const { return consumed_bytes_ > 0; }
  [[nodiscard]] bool bodyUnwanted() const { return body_unwanted_; }
  // Set whenever the guest took content or lost interest in it; the waiter clears it.
  [[nodiscard]] Event& bodyProgress() { return body_progress_; }

  // --- the response
  [[nodiscard]] const http::ResponseHead* head() const { return head_ ? &*head_ : nullptr; }
  // Content that came since the last call, in order; granting it back to the guest is up to
  // the caller.
  [[nodiscard]] bool hasContent() const { return !text_.empty() || !pieces_.empty(); }
  [[nodiscard]] std::uint64_t contentBytes() const;
  struct Content {
    std::string text;           // first
    std::vector<Bytes> pieces;  // then these
    [[nodiscard]] std::size_t size() const;
  };
  [[nodiscard]] Content takeContent();
  // Returns the buffer of a Content for use again.
  void recycle(std::string text);
  void grant(std::size_t bytes) { nimbus_exchange_grant(raw_, bytes); }

  // The response is complete; trailers() holds what came after the content.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const http::Headers& trailers() const { return trailers_; }
  // The call is over for who waits for its response: nothing more will come.
  [[nodiscard]] const CallOutcome* outcome() const { return outcome_ ? &*outcome_ : nullptr; }
  // The guest is done with it, or cut off. Not before there is an outcome.
  [[nodiscard]] bool released() const { return released_; }
  // The owner ends the call: the guest's side is cut off, outcome() is this, if there is none yet.
  void abandon(CallOutcome outcome);
  // The owner waits no longer: the same for outcome(), and the guest may finish as after discard(),
  // but does not begin any more. A response that is complete may still be read.
  void expire(CallOutcome outcome);
  // The same two, told with what else is on the list that it reports to.
  void markAbandoned(CallOutcome outcome);
  void markExpired(CallOutcome outcome);
  // The guest has begun with it.
  [[nodiscard]] bool started() const { return nimbus_exchange_started(raw_) != 0; }
  // The client is gone: the guest may finish, but its reads and writes fail.
  void discard();

  // Set after a poll in which something above changed; the waiter clears it.
  [[nodiscard]] Event& changed() { return changed_; }
  // For the call, after each poll.
  void notify();

  [[nodiscard]] NimbusExchange* raw() { return raw_; }

  // Exchanges of a warm instance that changed during the poll under way.
  class ChangeList {
   public:
    ~ChangeList();
    // Notifies and empties; an exchange, or this list's owner, may be destroyed meanwhile.
    void notifyAll();
    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    // Takes over what the other list holds now.
    void takeFrom(ChangeList& other);

   private:
    friend class Exchange;
    Exchange* first_ = nullptr;
  };
  void reportTo(ChangeList& list) { list_ = &list; }

 private:
  Exchange() = default;
  static const NimbusSink& sinkTemplate();
  void markChanged();
  void cutOff(CallOutcome outcome);
  void letGo(CallOutcome outcome);
  void give(CallOutcome outcome);
  void dropContent();
  void bodyProgressed();

  // Notifies at the end of the shard's turn, if nobody has before.
  class Late final : public net::Deferred {
   public:
    explicit Late(Exchange& exchange) : exchange_(exchange) {}
    void runDeferred() override;

   private:
    Exchange& exchange_;
  };

  void onDone(const NimbusOutcome& outcome);
  void onHead(std::uint16_t status, const NimbusField* headers, std::size_t count);
  void onBody(const std::uint8_t* data, std::size_t size, const void* bytes);
  void onEnd(const NimbusField* trailers, std::size_t count);

  NimbusExchange* raw_ = nullptr;
  std::optional<http::ResponseHead> head_;
  std::string text_;
  JoinedPieces pieces_;
  bool ended_ = false;
  http::Headers trailers_;
  std::optional<CallOutcome> outcome_;
  bool released_ = false;
  bool discarding_ = false;
  Event changed_;

  std::uint64_t pushed_bytes_ = 0;
  std::uint64_t consumed_bytes_ = 0;
  bool body_unwanted_ = false;
  bool body_changed_ = false;
  Event body_progress_;
  bool* destroyed_ = nullptr;  // set while waiters are resumed that may destroy this

  friend ListLink<Exchange>;
  ChangeList* list_ = nullptr;
  Late late_{*this};
};

}  // namespace nimbus::engine
