#include "http/http1_request_body.h"

#include <algorithm>
#include <string>
#include <utility>

namespace nimbus::http {
namespace {

// A piece of at least this size is handed out by itself; smaller ones are joined.
constexpr std::size_t kLargePiece = 4 * 1024;
// The minimum rate does not count before the peer had this long.
constexpr Duration kRateGrace = std::chrono::seconds(10);

}  // namespace

// While it exists somebody waits for content, and the peer's time runs.
class RequestBody::Waiting {
 public:
  explicit Waiting(RequestBody& body) : body_(body) { body_.beginWait(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { body_.endWait(); }

 private:
  RequestBody& body_;
};

RequestBody::RequestBody(net::Shard& shard, const ServerLimits& limits, InputBuffer& input,
                         Owner& owner)
    : shard_(shard),
      limits_(limits),
      input_(input),
      owner_(owner),
      decoder_({.max_header_bytes = limits.max_header_bytes,
                .max_header_count = limits.max_header_count}) {}

void RequestBody::start(const HeadControl& control) {
  decoder_.start(control.body);
  empty_ = complete();
  length_ = control.content_length;
  if (control.body.kind == BodyFraming::Kind::kNone) length_ = 0;
  continue_wanted_ = control.expectation == Expectation::kContinue && !empty_;
  error_.reset();
  waited_ = {};
}

Task<Result<std::optional<Bytes>>> RequestBody::read() {
  while (true) {
    if (error_) co_return std::unexpected(*error_);
    if (Bytes piece = takeAvailable(); !piece.empty()) co_return piece;
    if (error_) continue;
    if (complete()) co_return std::nullopt;
    if (std::exchange(continue_wanted_, false)) owner_.sendContinue();
    const Waiting waiting(*this);
    arrived_.clear();
    co_await arrived_.wait();
  }
}

// Everything that has arrived, or its first large piece.
Bytes RequestBody::takeAvailable() {
  if (input_.empty() || complete()) return {};
  continue_wanted_ = false;
  std::string_view first;
  std::string joined;
  while (!input_.empty() && decoder_.state() == ParseState::kMore && first.size() < kLargePiece) {
    const BodyDecoder::Piece piece = decoder_.feed(input_.view());
    input_.consume(piece.consumed);
    if (piece.content.empty()) continue;
    if (first.empty()) {
      first = piece.content;
    } else {
      if (joined.empty()) joined = first;
      joined += piece.content;
    }
  }
  checkDecoder();
  Bytes taken = joined.empty() ? input_.share(first) : Bytes::take(std::move(joined));
  owner_.inputConsumed();
  if (error_ && error_->code() == ErrorCode::kResourceExhausted) return {};
  return taken;
}

void RequestBody::checkDecoder() {
  if (decoder_.state() == ParseState::kFailed) {
    error_.emplace(ErrorCode::kProtocol, std::string(decoder_.failureReason()));
  } else if (limits_.max_body_bytes > 0 && decoder_.received() > limits_.max_body_bytes) {
    error_.emplace(ErrorCode::kResourceExhausted, "the request's content is too large");
  }
}

bool RequestBody::drainable() const {
  if (error_ || awaitsContinue()) return false;
  return decoder_.remaining() <= limits_.max_drain_bytes;
}

Task<bool> RequestBody::drain() {
  std::uint64_t dropped = 0;
  while (!complete()) {
    if (!drainable() || dropped > limits_.max_drain_bytes) co_return false;
    if (input_.empty()) {
      const Waiting waiting(*this);
      arrived_.clear();
      co_await arrived_.wait();
      continue;
    }
    const BodyDecoder::Piece piece = decoder_.feed(input_.view());
    input_.consume(piece.consumed);
    dropped += piece.consumed;
    checkDecoder();
    owner_.inputConsumed();
  }
  co_return true;
}

void RequestBody::inputEnded() {
  decoder_.endOfInput();
  if (!complete() && !error_) {
    error_.emplace(ErrorCode::kIo, "the client ended the connection in the middle of the content");
  }
  arrived_.set();
}

void RequestBody::deadlinePassed() {
  if (deadline_ == TimePoint::max()) return;
  error_.emplace(ErrorCode::kDeadlineExceeded, "the client sends its content too slowly");
  arrived_.set();
}

// The peer must send something within the idle time-out, and on average at the minimum rate.
void RequestBody::beginWait() {
  wait_began_ = shard_.now();
  Duration allowed = limits_.body_idle_timeout;
  if (limits_.min_body_bytes_per_second > 0) {
    const auto earned = std::chrono::seconds(
        std::min<std::uint64_t>(received() / limits_.min_body_bytes_per_second, 1'000'000'000));
    allowed = std::min(allowed, std::max<Duration>(kRateGrace, earned) - waited_);
  }
  deadline_ = wait_began_ + std::max(allowed, Duration::zero());
  owner_.bodyDeadlineChanged();
}

void RequestBody::endWait() {
  waited_ += shard_.now() - wait_began_;
  deadline_ = TimePoint::max();
  owner_.bodyDeadlineChanged();
}

}  // namespace nimbus::http
