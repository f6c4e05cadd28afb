#include "http/http1_output.h"

#include <algorithm>
#include <array>
#include <utility>

namespace nimbus::http {
namespace {

// Pieces up to this size are copied behind their head. Larger ones leave by the same call all the
// same where the stream can gather; TLS cannot, and copies what it encrypts anyway.
constexpr std::size_t kLargestCopied = 8 * 1024;
constexpr std::size_t kLargestCopiedTls = 64 * 1024;
// Pieces that one call is offered.
constexpr std::size_t kMaxPieces = 16;
// A text buffer that grew beyond this is not kept.
constexpr std::size_t kLargestKeptText = 128 * 1024;

}  // namespace

OutputQueue::OutputQueue(net::Shard& shard, net::Stream& stream, std::size_t high_water_bytes,
                         Owner& owner, TakePace pace)
    : shard_(shard),
      stream_(stream),
      high_water_bytes_(high_water_bytes),
      largest_copied_(stream.peer().tls ? kLargestCopiedTls : kLargestCopied),
      owner_(owner),
      pace_(pace) {}

void OutputQueue::textAdded() {
  if (failed_) {
    text_.clear();
    return;
  }
  const bool was_idle = std::exchange(idle_, false);
  if (was_idle) pace_.begin(shard_.now());
  // All may have been taken without a word from the system that there is room.
  if (!writing_ || was_idle) shard_.defer(*this);
}

void OutputQueue::append(Bytes bytes) {
  if (failed_) return;
  if (bytes.size() <= largest_copied_) {
    text_.append(bytes.text());
  } else {
    if (text_.size() > sent_) {
      Bytes before = Bytes::take(std::exchange(text_, {}));
      queued_bytes_ += before.size() - sent_;
      queue_.push_back(before.slice(sent_, before.size() - sent_));
      sent_ = 0;
    }
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
  }
  textAdded();
}

void OutputQueue::append(ByteView bytes) {
  if (failed_) return;
  if (bytes.size() > largest_copied_ && !writing_) {
    flush();
    if (unsent() == 0 && !failed_) bytes = bytes.subspan(trySend({&bytes, 1}));
    if (failed_) return;
  }
  if (bytes.empty()) return;
  text_.append(asText(bytes));
  textAdded();
}

std::size_t OutputQueue::trySend(std::span<const ByteView> pieces) {
  auto sent =
      pieces.size() == 1 ? stream_.tryWrite(pieces.front()) : stream_.tryWritePieces(pieces);
  if (!sent) {
    fail();
    owner_.outputFailed();
    return 0;
  }
  if (*sent > 0) pace_.took(*sent, shard_.now());
  return *sent;
}

// Until the peer takes no more.
void OutputQueue::sendUnsent() {
  while (unsent() > 0) {
    std::array<ByteView, kMaxPieces> pieces;
    std::size_t count = 0;
    std::size_t offered = 0;
    const auto offer = [&](ByteView piece) {
      pieces[count++] = piece;
      offered += piece.size();
    };
    for (std::size_t i = next_; i < queue_.size() && count < kMaxPieces; ++i) {
      offer(queue_[i].view());
    }
    if (count < kMaxPieces && sent_ < text_.size()) offer(asBytes(text_).subspan(sent_));
    const std::size_t sent = trySend(std::span(pieces).first(count));
    if (failed_) return;
    taken(sent);
    if (sent < offered) return;
  }
}

// The peer took the first `count` bytes of what is unsent.
void OutputQueue::taken(std::size_t count) {
  while (next_ < queue_.size() && count > 0) {
    Bytes& front = queue_[next_];
    const std::size_t part = std::min(count, front.size());
    count -= part;
    queued_bytes_ -= part;
    if (part < front.size()) {
      front = front.slice(part, front.size() - part);
      return;
    }
    front = {};
    ++next_;
  }
  if (next_ < queue_.size()) return;
  queue_.clear();
  next_ = 0;
  textTaken(count);
}

void OutputQueue::textTaken(std::size_t count) {
  sent_ += count;
  if (sent_ == text_.size()) {
    text_.clear();
    sent_ = 0;
    if (text_.capacity() > kLargestKeptText) text_ = std::string();
  } else if (sent_ > kLargestKeptText) {
    text_.erase(0, sent_);
    sent_ = 0;
  }
}

void OutputQueue::flush() {
  if (failed_) return;
  sendUnsent();
  if (failed_) return;
  idle_ = unsent() == 0;
  if (!idle_ && writing_) owner_.outputStalled();
  if (!idle_ && !writing_) startWriting();
  if (!congested()) roomy_.set();
  if (unsent() == 0) flushed_.set();
}

void OutputQueue::startWriting() {
  writing_ = true;
  owner_.outputStalled();
  writer_ = writeLoop();
  writer_->start();
}

Task<void> OutputQueue::writeLoop() {
  while (unsent() > 0 && !failed_) {
    auto ready = co_await stream_.writable();
    if (!ready) {
      fail();
      owner_.outputFailed();
      break;
    }
    flush();
  }
  writing_ = false;
}

Task<void> OutputQueue::roomy() {
  while (congested()) {
    roomy_.clear();
    co_await roomy_.wait();
  }
}

Task<void> OutputQueue::flushed() {
  while (unsent() > 0) {
    flushed_.clear();
    co_await flushed_.wait();
  }
}

void OutputQueue::fail() {
  failed_ = true;
  queue_.clear();
  next_ = 0;
  queued_bytes_ = 0;
  text_.clear();
  sent_ = 0;
  roomy_.set();
  flushed_.set();
}

void OutputQueue::releaseMemory() {
  if (unsent() > 0) return;
  text_ = std::string();
  queue_ = {};
  if (!writing_) writer_.reset();
}

}  // namespace nimbus::http
