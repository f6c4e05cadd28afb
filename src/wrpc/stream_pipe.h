#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "wrpc/stream.h"

namespace nimbus::wrpc {

// What the two ends of a stream within one shard share: one chunk at a time.
template <typename T>
struct StreamPipe {
  std::optional<StreamChunk<T>> chunk;
  std::optional<Error> failure;
  bool ended = false;    // the writer closed or failed
  bool dropped = false;  // the reader is gone
  Event readable;        // a chunk, or the end
  Event writable;        // no chunk, or nobody reads
};

// The writing end of makeStream(). Destroying it without close() breaks the stream off.
template <typename T>
class StreamWriter {
 public:
  explicit StreamWriter(std::shared_ptr<StreamPipe<T>> pipe) : pipe_(std::move(pipe)) {}
  StreamWriter(StreamWriter&&) noexcept = default;
  StreamWriter& operator=(StreamWriter&& other) noexcept {
    if (this != &other) {
      breakOff();
      pipe_ = std::move(other.pipe_);
    }
    return *this;
  }
  ~StreamWriter() { breakOff(); }

  // Waits until the chunk before was read, so that a slow reader slows the writer down. kCancelled
  // if nobody reads any more. Empty chunks are left out.
  [[nodiscard]] Task<Result<void>> write(StreamChunk<T> chunk) {
    return writeTo(pipe_, std::move(chunk));
  }

  // The end: what was written is still read.
  void close() { finish(std::nullopt); }
  // The reader gets the failure after what was written.
  void fail(Error error) { finish(std::move(error)); }

 private:
  static Task<Result<void>> writeTo(std::shared_ptr<StreamPipe<T>> pipe, StreamChunk<T> chunk) {
    if (chunk.empty()) co_return Result<void>();
    while (pipe->chunk && !pipe->dropped) {
      pipe->writable.clear();
      co_await pipe->writable.wait();
    }
    if (pipe->dropped) co_return nimbus::fail(ErrorCode::kCancelled, "nobody reads the stream");
    pipe->chunk = std::move(chunk);
    pipe->readable.set();
    co_return Result<void>();
  }

  void finish(std::optional<Error> failure) {
    const std::shared_ptr<StreamPipe<T>> pipe = std::exchange(pipe_, nullptr);
    if (!pipe || pipe->ended) return;
    pipe->ended = true;
    pipe->failure = std::move(failure);
    pipe->readable.set();
  }
  void breakOff() { finish(Error(ErrorCode::kUnavailable, "the writer of a stream gave up")); }

  std::shared_ptr<StreamPipe<T>> pipe_;
};

template <typename T>
class PipeSource final : public StreamSource<T> {
 public:
  explicit PipeSource(std::shared_ptr<StreamPipe<T>> pipe) : pipe_(std::move(pipe)) {}
  ~PipeSource() override {
    pipe_->dropped = true;
    pipe_->chunk.reset();
    pipe_->writable.set();
  }

  [[nodiscard]] Eventual<Result<std::optional<StreamChunk<T>>>> read() override {
    if (pipe_->chunk || pipe_->ended) return take(*pipe_);
    return wait(pipe_);
  }

 private:
  static Task<Result<std::optional<StreamChunk<T>>>> wait(std::shared_ptr<StreamPipe<T>> pipe) {
    while (!pipe->chunk && !pipe->ended) {
      pipe->readable.clear();
      co_await pipe->readable.wait();
    }
    co_return take(*pipe);
  }
  static Result<std::optional<StreamChunk<T>>> take(StreamPipe<T>& pipe) {
    std::optional<StreamChunk<T>> chunk = std::exchange(pipe.chunk, std::nullopt);
    if (chunk) {
      pipe.writable.set();
      return chunk;
    }
    if (pipe.failure) return std::unexpected(*pipe.failure);
    return std::nullopt;
  }

  std::shared_ptr<StreamPipe<T>> pipe_;
};

// A stream whose elements a task of this shard writes:
//   auto [writer, reader] = makeStream<Bytes>();
template <typename T>
[[nodiscard]] std::pair<StreamWriter<T>, StreamReader<T>> makeStream() {
  auto pipe = std::make_shared<StreamPipe<T>>();
  return {StreamWriter<T>(pipe), StreamReader<T>(std::make_unique<PipeSource<T>>(pipe))};
}

}  // namespace nimbus::wrpc
