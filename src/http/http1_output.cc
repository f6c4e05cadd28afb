#include "http/http1_output.h"

#include <utility>

namespace nimbus::http {
namespace {

// Pieces up to this size are copied behind their head, so that both leave by one call.
constexpr std::size_t kLargestCopied = 64 * 1024;
// A text buffer that grew beyond this is not kept.
constexpr std::size_t kLargestKeptText = 128 * 1024;

}  // namespace

void OutputQueue::textAdded() {
  if (failed_) {
    text_.clear();
    return;
  }
  if (std::exchange(idle_, false)) last_progress_ = shard_.now();
  if (!writing_) shard_.defer(*this);
}

void OutputQueue::append(Bytes bytes) {
  if (failed_) return;
  if (bytes.size() <= kLargestCopied) {
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
  if (bytes.size() > kLargestCopied && !writing_) {
    flush();
    if (unsent() == 0 && !failed_) bytes = bytes.subspan(trySend(bytes));
    if (failed_) return;
  }
  if (bytes.empty()) return;
  text_.append(asText(bytes));
  textAdded();
}

std::size_t OutputQueue::trySend(ByteView bytes) {
  auto sent = stream_.tryWrite(bytes);
  if (!sent) {
    fail();
    owner_.outputFailed();
    return 0;
  }
  if (*sent > 0) last_progress_ = shard_.now();
  return *sent;
}

// True if nothing is left in the queue.
bool OutputQueue::sendQueued() {
  while (next_ < queue_.size()) {
    Bytes& front = queue_[next_];
    const std::size_t sent = trySend(front.view());
    if (failed_) return false;
    queued_bytes_ -= sent;
    if (sent < front.size()) {
      front = front.slice(sent, front.size() - sent);
      return false;
    }
    front = {};
    ++next_;
  }
  queue_.clear();
  next_ = 0;
  return true;
}

void OutputQueue::sendText() {
  if (text_.size() == sent_) return;
  const std::size_t sent = trySend(asBytes(text_).subspan(sent_));
  if (failed_) return;
  sent_ += sent;
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
  if (sendQueued()) sendText();
  if (failed_) return;
  idle_ = unsent() == 0;
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
