#include "engine/exchange.h"

#include <utility>

#include <fmt/format.h>

#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Content in smaller pieces is gathered in one buffer; larger ones are shared with the guest's
// side.
constexpr std::size_t kGatherBelowBytes = 8 * 1024;

CallOutcome::Kind kindOf(std::int32_t kind) {
  using Kind = CallOutcome::Kind;
  switch (kind) {
    case NIMBUS_DONE_OK: return Kind::kOk;
    case NIMBUS_DONE_ERROR_CODE: return Kind::kErrorCode;
    case NIMBUS_DONE_NO_RESPONSE: return Kind::kNoResponse;
    case NIMBUS_DONE_TRAP: return Kind::kTrap;
    case NIMBUS_DONE_EXIT: return Kind::kExit;
    case NIMBUS_DONE_COLLATERAL: return Kind::kCollateral;
    case NIMBUS_DONE_NOT_STARTED: return Kind::kNotStarted;
    case NIMBUS_DONE_RESOURCES: return Kind::kResources;
    case NIMBUS_DONE_TRUNCATED: return Kind::kTruncated;
    default: return Kind::kHostFailure;
  }
}

}  // namespace

std::string_view outcomeName(CallOutcome::Kind kind) {
  using Kind = CallOutcome::Kind;
  switch (kind) {
    case Kind::kOk: return "ok";
    case Kind::kErrorCode: return "error-code";
    case Kind::kNoResponse: return "no-response";
    case Kind::kTrap: return "trap";
    case Kind::kExit: return "exit";
    case Kind::kCollateral: return "collateral";
    case Kind::kNotStarted: return "not-started";
    case Kind::kResources: return "resources";
    case Kind::kHostFailure: return "host-failure";
    case Kind::kTruncated: return "truncated";
    case Kind::kTimeout: return "timeout";
    case Kind::kCpuLimit: return "cpu-limit";
  }
  return "host-failure";
}

CallOutcome outcomeOf(const NimbusOutcome& outcome) {
  return {kindOf(outcome.kind), outcome.exit_code, std::string(toView(outcome.message)),
          std::string(toView(outcome.error_code))};
}

const NimbusSink& Exchange::sinkTemplate() {
  static constexpr auto kSelf = [](void* context) { return static_cast<Exchange*>(context); };
  static constexpr NimbusSink kSink{
      .context = nullptr,
      .head = [](void* context, std::uint16_t status, const NimbusField* headers,
                 std::size_t count) { kSelf(context)->onHead(status, headers, count); },
      .body = [](void* context, const std::uint8_t* data, std::size_t size,
                 const void* bytes) { kSelf(context)->onBody(data, size, bytes); },
      .end = [](void* context, const NimbusField* trailers,
                std::size_t count) { kSelf(context)->onEnd(trailers, count); },
      .consumed =
          [](void* context, std::size_t size) {
            kSelf(context)->consumed_bytes_ += size;
            kSelf(context)->bodyProgressed();
          },
      .unread =
          [](void* context) {
            kSelf(context)->body_unwanted_ = true;
            kSelf(context)->bodyProgressed();
          },
      .done = [](void* context, const NimbusOutcome* outcome) { kSelf(context)->onDone(*outcome); },
  };
  return kSink;
}

Result<std::unique_ptr<Exchange>> Exchange::create(const http::RequestHead& head, bool has_body,
                                                   std::uint64_t window_bytes,
                                                   std::optional<TimePoint> deadline) {
  std::unique_ptr<Exchange> exchange(new Exchange());
  const std::vector<NimbusField> fields = toFields(head.headers);
  const NimbusRequest request{
      .method = toStr(head.method),
      .scheme = toStr(head.scheme == http::Scheme::kHttps ? "https" : "http"),
      // HTTP/1.0 need not say it, but guests must be told something.
      .authority = toStr(head.authority.empty() ? std::string_view("localhost")
                                                : std::string_view(head.authority)),
      .path = toStr(head.path),
      .headers = fields.data(),
      .header_count = fields.size(),
      .has_body = static_cast<std::uint8_t>(has_body ? 1 : 0),
      .credit_bytes = window_bytes,
      .deadline_ns = deadline ? Duration(deadline->time_since_epoch()).count() : 0,
  };
  NimbusSink sink = sinkTemplate();
  sink.context = exchange.get();
  exchange->raw_ = nimbus_exchange_new(&request, &sink);
  if (exchange->raw_ == nullptr) {
    return failLast(ErrorCode::kInvalidArgument, "the request cannot be passed on");
  }
  return exchange;
}

Exchange::~Exchange() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  unlink();
  if (raw_ != nullptr) nimbus_exchange_free(raw_);
}

void Exchange::pushBody(Bytes bytes) {
  pushed_bytes_ += bytes.size();
  nimbus_exchange_push(raw_, toOwned(std::move(bytes)));
}

void Exchange::endBody(const http::Headers& trailers) {
  const std::vector<NimbusField> fields = toFields(trailers);
  nimbus_exchange_end(raw_, fields.data(), fields.size());
}

void Exchange::failBody() { nimbus_exchange_fail(raw_); }

std::size_t Exchange::Content::size() const {
  std::size_t total = text.size();
  for (const Bytes& piece : pieces) total += piece.size();
  return total;
}

std::uint64_t Exchange::contentBytes() const { return text_.size() + pieces_.bytes(); }

Exchange::Content Exchange::takeContent() { return {std::exchange(text_, {}), pieces_.takeAll()}; }

void Exchange::recycle(std::string text) {
  if (!text_.empty()) return;
  text.clear();
  text_ = std::move(text);
}

void Exchange::abandon(CallOutcome outcome) {
  cutOff(std::move(outcome));
  notify();
}

void Exchange::markAbandoned(CallOutcome outcome) {
  cutOff(std::move(outcome));
  markChanged();
}

void Exchange::cutOff(CallOutcome outcome) {
  nimbus_exchange_detach(raw_);
  released_ = true;
  give(std::move(outcome));
}

void Exchange::expire(CallOutcome outcome) {
  letGo(std::move(outcome));
  notify();
}

void Exchange::markExpired(CallOutcome outcome) {
  letGo(std::move(outcome));
  markChanged();
}

void Exchange::letGo(CallOutcome outcome) {
  nimbus_exchange_expire(raw_);
  if (!ended_) dropContent();
  give(std::move(outcome));
}

void Exchange::give(CallOutcome outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
  body_unwanted_ = true;
  body_changed_ = true;
}

void Exchange::discard() {
  nimbus_exchange_discard(raw_);
  dropContent();
}

void Exchange::dropContent() {
  discarding_ = true;
  text_.clear();
  pieces_ = {};
}

void Exchange::notify() {
  unlink();
  if (std::exchange(body_changed_, false)) {
    bool destroyed = false;
    destroyed_ = &destroyed;
    body_progress_.set();
    if (destroyed) return;
    destroyed_ = nullptr;
  }
  changed_.set();
}

// The guest may have given its request's content away: then it is read outside of its polls, and no
// end of one tells of it.
void Exchange::bodyProgressed() {
  body_changed_ = true;
  markChanged();
  if (net::Shard* const shard = net::Shard::current()) shard->defer(late_);
}

void Exchange::Late::runDeferred() {
  if (exchange_.body_changed_) exchange_.notify();  // may destroy both
}

void Exchange::markChanged() {
  if (list_ != nullptr && !isListed()) linkAt(list_->first_);
}

Exchange::ChangeList::~ChangeList() {
  while (first_ != nullptr) first_->unlink();
}

void Exchange::ChangeList::takeFrom(ChangeList& other) { moveAll(other.first_, first_); }

void Exchange::ChangeList::notifyAll() {
  ChangeList due;
  due.takeFrom(*this);
  while (due.first_ != nullptr) due.first_->notify();
}

void Exchange::onDone(const NimbusOutcome& outcome) {
  released_ = true;
  if (!outcome_) outcome_ = outcomeOf(outcome);
  markChanged();
  list_ = nullptr;  // the instance may go before this
}

void Exchange::onHead(std::uint16_t status, const NimbusField* headers, std::size_t count) {
  if (outcome_) return;  // expired
  // Another head would have to follow (RFC 9110 15.2), and a guest gives only one.
  if (status < 200)
    return markExpired({CallOutcome::Kind::kNoResponse, 0,
                        fmt::format("the only status that came is informational: {}", status)});
  head_.emplace();
  head_->status = status;
  appendFields(head_->headers, headers, count);
  markChanged();
}

void Exchange::onBody(const std::uint8_t* data, std::size_t size, const void* bytes) {
  if (discarding_) return;
  if (size < kGatherBelowBytes && pieces_.empty()) {
    text_.append(reinterpret_cast<const char*>(data), size);
  } else if (size < kGatherBelowBytes) {
    pieces_.append(ByteView(data, size));
  } else {
    pieces_.append(fromOwned(nimbus_bytes_keep(bytes)));
  }
  markChanged();
}

void Exchange::onEnd(const NimbusField* trailers, std::size_t count) {
  if (outcome_) return;
  ended_ = true;
  appendFields(trailers_, trailers, count);
  markChanged();
}

}  // namespace nimbus::engine
