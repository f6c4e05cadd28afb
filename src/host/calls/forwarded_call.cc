#include "host/calls/forwarded_call.h"

#include <deque>
#include <optional>
#include <variant>

#include "base/race.h"
#include "base/sync.h"

namespace nimbus::host {
namespace {

constexpr std::uint64_t kWindowBytes = 64 * 1024;

// What the owner's side sends back, in order.
struct Head {
  http::ResponseHead head;
  std::optional<std::uint64_t> length;
};
struct Content {
  Bytes bytes;
};
struct End {
  http::Headers trailers;
};
struct Failed {
  http::Failure failure;
};
struct Abort {};
struct Over {};  // the owner's task is done
struct WantBody {};
using Reply = std::variant<Head, Content, End, Failed, Abort, Over, WantBody>;

// One piece of the request's content, or why there is none.
struct BodyPiece {
  Result<std::optional<Bytes>> piece;
  http::Headers trailers;
};

// Both ends of one forwarded call. Each part is touched by one shard only; the other posts to it.
struct Link {
  Link(net::Shard& here_shard, ShardRuntime& owner_shard) : here(here_shard), owner(owner_shard) {}

  net::Shard& here;
  ShardRuntime& owner;

  // --- the accepting shard's
  std::deque<Reply> replies;
  Event replied;

  // --- the owner's
  http::RequestHead head;
  net::PeerInfo peer;
  bool body_empty = true;
  std::optional<std::uint64_t> body_length;
  std::deque<BodyPiece> pieces;
  Event piece_arrived;
  std::uint64_t unacknowledged_bytes = 0;
  Event acknowledged;
  Event cancelled;
};
using LinkPointer = std::shared_ptr<Link>;

void reply(const LinkPointer& link, Reply what) {
  link->here.post([link, what = std::move(what)]() mutable {
    link->replies.push_back(std::move(what));
    link->replied.set();
  });
}

// The request's content on the owner's shard.
class FarBody final : public http::BodyReader {
 public:
  explicit FarBody(LinkPointer link) : link_(std::move(link)) {}

  Task<Result<std::optional<Bytes>>> read() override {
    reply(link_, WantBody{});
    while (link_->pieces.empty()) {
      link_->piece_arrived.clear();
      co_await link_->piece_arrived.wait();
    }
    BodyPiece next = std::move(link_->pieces.front());
    link_->pieces.pop_front();
    trailers_ = std::move(next.trailers);
    co_return std::move(next.piece);
  }
  [[nodiscard]] bool empty() const override { return link_->body_empty; }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return link_->body_length; }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }

 private:
  LinkPointer link_;
  http::Headers trailers_;
};

// The response on the owner's shard.
class FarResponse final : public http::ResponseWriter {
 public:
  explicit FarResponse(LinkPointer link) : link_(std::move(link)) {}

  void sendHead(const http::ResponseHead& head, std::optional<std::uint64_t> length) override {
    head_sent_ = head.status >= 200;
    reply(link_, Head{head, length});
  }
  Task<Result<void>> write(Bytes bytes) override {
    while (link_->unacknowledged_bytes >= kWindowBytes) {
      link_->acknowledged.clear();
      co_await link_->acknowledged.wait();
    }
    link_->unacknowledged_bytes += bytes.size();
    reply(link_, Content{std::move(bytes)});
    co_return Result<void>();
  }
  Task<Result<void>> write(ByteView bytes) override { return write(Bytes::copyOf(bytes)); }
  void finish(const http::Headers& trailers) override { reply(link_, End{trailers}); }
  void sendFailure(const http::Failure& failure) override {
    head_sent_ = true;
    reply(link_, Failed{failure});
  }
  void abort() override { reply(link_, Abort{}); }
  [[nodiscard]] bool headSent() const override { return head_sent_; }

 private:
  LinkPointer link_;
  bool head_sent_ = false;
};

Task<void> untilCancelled(LinkPointer link) { co_await link->cancelled.wait(); }

Task<void> serveFar(LinkPointer link, std::shared_ptr<ServeThere> serve) {
  FarBody body(link);
  FarResponse response(link);
  http::ServerRequest request{.head = std::move(link->head), .body = &body, .peer = &link->peer};
  co_await withTimeout((*serve)(link->owner, request, response), untilCancelled(link));
  reply(link, Over{});
}

// Reads one piece here for the owner.
Task<void> fetchBody(LinkPointer link, http::BodyReader* body) {
  auto piece = co_await body->read();
  const bool at_end = piece && !piece->has_value();
  BodyPiece next{std::move(piece), at_end ? body->trailers() : http::Headers()};
  link->owner.shard.post([link, next = std::move(next)]() mutable {
    link->pieces.push_back(std::move(next));
    link->piece_arrived.set();
  });
}

// Tells the owner that nobody waits any more.
struct CancelFar {
  LinkPointer link;
  ~CancelFar() {
    link->owner.shard.post([link = link] { link->cancelled.set(); });
  }
};

// The accepting shard's half.
class Near {
 public:
  Near(LinkPointer link, http::ServerRequest& request, http::ResponseWriter& response)
      : link_(std::move(link)), request_(request), response_(response) {}

  Task<void> run() {
    while (true) {
      while (link_->replies.empty()) {
        link_->replied.clear();
        co_await link_->replied.wait();
      }
      Reply next = std::move(link_->replies.front());
      link_->replies.pop_front();
      if (!co_await handle(std::move(next))) co_return;
    }
  }

 private:
  // False if the exchange is over.
  Task<bool> handle(Reply next) {
    if (const auto* head = std::get_if<Head>(&next)) {
      response_.sendHead(head->head, head->length);
    } else if (auto* content = std::get_if<Content>(&next)) {
      co_return co_await pass(std::move(content->bytes));
    } else if (const auto* end = std::get_if<End>(&next)) {
      response_.finish(end->trailers);
    } else if (const auto* failed = std::get_if<Failed>(&next)) {
      response_.sendFailure(failed->failure);
    } else if (std::holds_alternative<Abort>(next)) {
      response_.abort();
    } else if (std::holds_alternative<WantBody>(next)) {
      fetching_.spawn(fetchBody(link_, request_.body));
    } else {
      co_return false;
    }
    co_return true;
  }

  Task<bool> pass(Bytes bytes) {
    const std::size_t size = bytes.size();
    if (!co_await response_.write(std::move(bytes))) co_return false;
    link_->owner.shard.post([link = link_, size] {
      link->unacknowledged_bytes -= size;
      link->acknowledged.set();
    });
    co_return true;
  }

  LinkPointer link_;
  http::ServerRequest& request_;
  http::ResponseWriter& response_;
  TaskSet fetching_;
};

}  // namespace

Task<void> forwardTo(ShardRuntime* owner, net::Shard* here, http::ServerRequest* request,
                     http::ResponseWriter* response, std::shared_ptr<ServeThere> serve) {
  auto link = std::make_shared<Link>(*here, *owner);
  link->head = request->head;
  if (request->peer != nullptr) link->peer = *request->peer;
  if (request->body != nullptr) {
    link->body_empty = request->body->empty();
    link->body_length = request->body->length();
  }
  const CancelFar cancel{link};
  owner->shard.post([link, serve = std::move(serve)] {
    if (link->owner.closing) return reply(link, Over{});
    link->owner.forwarded.spawn(serveFar(link, serve));
  });
  Near near(link, *request, *response);
  co_await near.run();
}

}  // namespace nimbus::host
