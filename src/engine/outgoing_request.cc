#include "engine/outgoing_request.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/race.h"
#include "engine/egress_calls.h"
#include "engine/ffi.h"
#include "engine/import_set.h"

namespace nimbus::engine {

// The request's content as the HTTP client pulls it.
class OutgoingRequest::Body final : public http::BodyReader {
 public:
  explicit Body(OutgoingRequest& request) : request_(request) {}

  Task<Result<std::optional<Bytes>>> read() override {
    while (true) {
      if (auto piece = takePiece()) co_return piece;
      if (failed_) co_return nimbus::fail(ErrorCode::kCancelled, "the guest gave its request up");
      if (ended_) co_return std::optional<Bytes>();
      arrived_.clear();
      co_await arrived_.wait();
    }
  }
  [[nodiscard]] bool empty() const override {
    return ended_ && content_.empty() && trailers_.size() == 0;
  }
  // Something came, or nothing will.
  Task<void> begun() {
    while (content_.empty() && !ended_ && !failed_) {
      arrived_.clear();
      co_await arrived_.wait();
    }
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }

  void announceLength(std::optional<std::uint64_t> length) { length_ = length; }

  // True if there is something new to read.
  [[nodiscard]] bool take(Mail& mail) {
    const bool news = !mail.content.empty() || mail.ended || mail.failed;
    content_.append(std::move(mail.content));
    if (mail.ended) trailers_ = std::move(mail.trailers);
    ended_ = ended_ || mail.ended;
    failed_ = failed_ || mail.failed;
    return news;
  }
  Event& arrived() { return arrived_; }

 private:
  std::optional<Bytes> takePiece() {
    std::optional<Bytes> piece = content_.take();
    if (piece && request_.raw_ != nullptr) nimbus_egress_grant(request_.raw_, piece->size());
    return piece;
  }

  OutgoingRequest& request_;
  JoinedPieces content_;
  bool ended_ = false;
  bool failed_ = false;
  http::Headers trailers_;
  std::optional<std::uint64_t> length_;
  Event arrived_;
};

namespace {

std::optional<Duration> timeoutOf(std::int64_t ns) {
  if (ns < 0) return std::nullopt;
  return std::chrono::nanoseconds(ns);
}

std::optional<std::uint64_t> contentLength(const http::Headers& headers) {
  const auto text = headers.find("content-length");
  if (!text || text->empty() || text->size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : *text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

}  // namespace

OutgoingRequest::OutgoingRequest(net::Shard& shard, NimbusEgress* raw,
                                 const NimbusEgressRequest& request)
    : shard_(shard), raw_(raw), body_(std::make_unique<Body>(*this)) {
  head_.method = toView(request.method);
  head_.scheme = toView(request.scheme) == "https" ? http::Scheme::kHttps : http::Scheme::kHttp;
  head_.authority = toView(request.authority);
  head_.path = request.path.size == 0 ? "/" : std::string(toView(request.path));
  appendFields(head_.headers, request.headers, request.header_count);
  body_->announceLength(contentLength(head_.headers));
  timeouts_.connect = timeoutOf(request.connect_timeout_ns);
  timeouts_.first_byte = timeoutOf(request.first_byte_timeout_ns);
  timeouts_.between_bytes = timeoutOf(request.between_bytes_timeout_ns);
}

OutgoingRequest::~OutgoingRequest() = default;

http::BodyReader& OutgoingRequest::body() { return *body_; }

void OutgoingRequest::takeContent() { readMail(); }

Task<void> OutgoingRequest::contentBegun(Duration limit) {
  co_await withTimeout(body_->begun(), shard_.sleepFor(limit));
}

void OutgoingRequest::respond(const http::ResponseHead& head) {
  const std::vector<NimbusField> fields = toFields(head.headers);
  nimbus_egress_respond(raw_, head.status, fields.data(), fields.size());
}

Task<void> OutgoingRequest::push(Bytes bytes) {
  while (in_flight_bytes_ >= kEgressWindowBytes && !cancelled_.isSet()) {
    window_open_.clear();
    co_await window_open_.wait();
  }
  in_flight_bytes_ += bytes.size();
  if (raw_ != nullptr) nimbus_egress_push(raw_, toOwned(std::move(bytes)));
}

void OutgoingRequest::end(const http::Headers& trailers) {
  const std::vector<NimbusField> fields = toFields(trailers);
  nimbus_egress_end(raw_, fields.data(), fields.size());
  complete_ = true;
}

void OutgoingRequest::fail(std::string_view error_code, std::string_view message) {
  nimbus_egress_fail(raw_, toStr(error_code), toStr(message));
  complete_ = true;
}

void OutgoingRequest::close() {
  if (raw_ == nullptr) return;
  if (!complete_) fail("connection-terminated", "the request was given up");
  // Freeing may drop the last reference to this object.
  const auto self = shared_from_this();
  nimbus_egress_free(std::exchange(raw_, nullptr));
}

template <typename Change>
void OutgoingRequest::mail(Change change) {
  {
    const std::lock_guard lock(mutex_);
    change(mail_);
    if (std::exchange(posted_, true)) return;
  }
  shard_.post([self = shared_from_this()] { self->readMail(); });
}

void OutgoingRequest::mailBody(NimbusOwnedBytes bytes) {
  mail([&](Mail& mail) {
    if (bytes.release == nullptr) {
      mail.content.append(ByteView(bytes.data, bytes.size));
    } else {
      mail.content.append(fromOwned(bytes));
    }
  });
}
void OutgoingRequest::mailBodyEnd(const NimbusField* trailers, std::size_t count) {
  mail([&](Mail& mail) {
    mail.ended = true;
    appendFields(mail.trailers, trailers, count);
  });
}
void OutgoingRequest::mailBodyError() {
  mail([](Mail& mail) { mail.failed = true; });
}
void OutgoingRequest::mailConsumed(std::size_t bytes) {
  mail([&](Mail& mail) { mail.consumed_bytes += bytes; });
}
void OutgoingRequest::mailCancel() {
  mail([](Mail& mail) { mail.cancelled = true; });
}

void OutgoingRequest::readMail() {
  Mail mail;
  {
    const std::lock_guard lock(mutex_);
    std::swap(mail, mail_);
    posted_ = false;
  }
  in_flight_bytes_ -= mail.consumed_bytes;
  // Each set() may end the task that carries the request out; this object stays, by its poster.
  if (body_->take(mail)) body_->arrived().set();
  if (mail.cancelled) cancelled_.set();
  if (mail.consumed_bytes > 0 || mail.cancelled) window_open_.set();
}

namespace {

using Token = std::shared_ptr<OutgoingRequest>;

OutgoingRequest& request(void* token) { return **static_cast<Token*>(token); }

}  // namespace

void setEgressCalls(NimbusHostCalls& calls) {
  calls.egress_body = [](void* token, NimbusOwnedBytes bytes) { request(token).mailBody(bytes); };
  calls.egress_body_end = [](void* token, const NimbusField* trailers, std::size_t count) {
    request(token).mailBodyEnd(trailers, count);
  };
  calls.egress_body_error = [](void* token) { request(token).mailBodyError(); };
  calls.egress_consumed = [](void* token, std::size_t bytes) {
    request(token).mailConsumed(bytes);
  };
  calls.egress_cancel = [](void* token) { request(token).mailCancel(); };
  calls.egress_release = [](void* token) { delete static_cast<Token*>(token); };
}

void* startOutgoing(net::Shard& shard, std::shared_ptr<GuestHost> host, const ImportSet* imports,
                    NimbusEgress* raw, const NimbusEgressRequest& request) {
  auto outgoing = std::make_shared<OutgoingRequest>(shard, raw, request);
  auto* token = new Token(outgoing);
  if (request.import == UINT32_MAX) {
    shard.post(
        [host = std::move(host), outgoing = std::move(outgoing)] { host->startEgress(outgoing); });
  } else {
    // Checked when the component was given its imports.
    NIMBUS_CHECK(imports != nullptr && imports->requestTarget(request.import) != nullptr);
    shard.post([&shard, target = imports->requestTarget(request.import),
                outgoing = std::move(outgoing)] { target->start(shard, outgoing); });
  }
  return token;
}

}  // namespace nimbus::engine
