#include "http/http2_body.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace nimbus::http {
namespace {

constexpr Duration kRateGrace = std::chrono::seconds(10);

}  // namespace

void ContentPace::startWaiting(TimePoint now) {
  if (waiting_) return;
  waiting_ = true;
  waiting_since_ = now;
}

void ContentPace::stopWaiting(TimePoint now) {
  if (!waiting_) return;
  waiting_ = false;
  waited_ += now - waiting_since_;
}

void ContentPace::received(std::size_t byte_count, TimePoint now) {
  received_bytes_ += byte_count;
  stopWaiting(now);
}

TimePoint ContentPace::deadline(Duration idle_timeout, std::uint32_t min_bytes_per_second) const {
  if (!waiting_) return TimePoint::max();
  TimePoint deadline = TimePoint::max();
  if (idle_timeout > Duration::zero()) deadline = waiting_since_ + idle_timeout;
  if (min_bytes_per_second > 0) {
    const Duration earned = std::chrono::seconds(received_bytes_ / min_bytes_per_second);
    const Duration allowed = std::max(kRateGrace, earned);
    deadline = std::min(deadline, waiting_since_ + (allowed - std::min(allowed, waited_)));
  }
  return deadline;
}

Task<Result<std::optional<Bytes>>> Http2Inbound::read() {
  while (!settled()) {
    ready_.clear();
    pace_.startWaiting(flow_.now());
    const bool first = !std::exchange(ever_wanted_, true);
    flow_.contentWanted(id_, first);
    co_await ready_.wait();
  }
  if (buffered_bytes_ > 0) co_return takePiece();
  if (error_) co_return std::unexpected(*error_);
  co_return std::nullopt;
}

Bytes Http2Inbound::takePiece() {
  Bytes taken = Bytes::take(std::move(pieces_.front()));
  pieces_.erase(pieces_.begin());
  buffered_bytes_ -= taken.size();
  flow_.contentConsumed(id_, taken.size());
  return taken;
}

void Http2Inbound::announce(bool empty, std::optional<std::uint64_t> length) {
  empty_ = empty;
  length_ = length;
  if (empty) ended_ = true;
}

void Http2Inbound::append(ByteView bytes) {
  received_bytes_ += bytes.size();
  pace_.received(bytes.size(), flow_.now());
  if (discarded_) return flow_.contentConsumed(id_, bytes.size());
  buffered_bytes_ += bytes.size();
  std::string_view rest = asText(bytes);
  while (!rest.empty()) {
    if (pieces_.empty() || pieces_.back().size() == kPieceBytes) pieces_.emplace_back();
    std::string& last = pieces_.back();
    const std::string_view part = rest.substr(0, kPieceBytes - last.size());
    last += part;
    rest.remove_prefix(part.size());
  }
}

void Http2Inbound::discard() {
  discarded_ = true;
  pieces_.clear();
  const std::size_t unread = std::exchange(buffered_bytes_, 0);
  if (unread > 0) flow_.contentConsumed(id_, unread);
}

void Http2Inbound::fail(Error error) {
  if (ended_ || error_) return;
  error_.emplace(std::move(error));
}

void Http2Inbound::wake() {
  if (settled()) ready_.set();
}

void Http2Outbound::push(Bytes bytes, TimePoint now) {
  if (bytes.empty() || error_) return;
  if (queued_bytes_ == 0) pace_.begin(now);
  queued_bytes_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

void Http2Outbound::fail(Error error) {
  if (error_) return;
  error_.emplace(std::move(error));
  pieces_.clear();
  queued_bytes_ = 0;
}

void Http2Outbound::take(std::size_t byte_count, std::string& into, TimePoint now) {
  pace_.took(byte_count, now);
  queued_bytes_ -= byte_count;
  while (byte_count > 0) {
    Bytes& piece = pieces_.front();
    const std::size_t part = std::min(byte_count, piece.size());
    into.append(piece.text().substr(0, part));
    byte_count -= part;
    if (part == piece.size()) {
      pieces_.pop_front();
    } else {
      piece = piece.slice(part, piece.size() - part);
    }
  }
}

Task<Result<void>> Http2Outbound::waitForRoom() {
  while (!error_ && full()) {
    room_.clear();
    co_await room_.wait();
  }
  if (error_) co_return std::unexpected(*error_);
  co_return Result<void>();
}

// Half of the mark, so that a writer is not resumed for every frame.
void Http2Outbound::wake() {
  const bool low = queued_bytes_ <= high_water_bytes_ / 2 && pieces_.size() <= kMaxPieces / 2;
  if (error_ || low) room_.set();
}

}  // namespace nimbus::http
