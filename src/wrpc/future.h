#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/eventual.h"
#include "base/result.h"
#include "base/sync.h"
#include "wrpc/codec.h"
#include "wrpc/invoker.h"
#include "wrpc/measuring_budget.h"

namespace nimbus::wrpc {

// What a future<T> may take on the wire.
inline constexpr std::size_t kMaxFutureBytes = std::size_t{16} << 20;

// Where the value of a future comes from. Destroying it tells the writer that nobody reads.
template <typename T>
class FutureSource {
 public:
  FutureSource() = default;
  FutureSource(const FutureSource&) = delete;
  FutureSource& operator=(const FutureSource&) = delete;
  virtual ~FutureSource() = default;

  // Called once.
  [[nodiscard]] virtual Eventual<Result<T>> read() = 0;
};

// future<T> as parameter, result or field: its reading end. Values with resources, streams or
// futures in them are not supported.
template <typename T>
class FutureReader {
 public:
  FutureReader() = default;
  explicit FutureReader(std::unique_ptr<FutureSource<T>> source) : source_(std::move(source)) {}
  // One that is there already.
  explicit FutureReader(T value);

  // The value, once: kCancelled afterwards, or for an empty reader.
  [[nodiscard]] Eventual<Result<T>> read() {
    if (read_ || !source_) return fail(ErrorCode::kCancelled, "the future was read before");
    read_ = true;
    return source_->read();
  }

  [[nodiscard]] std::unique_ptr<FutureSource<T>> release() && { return std::move(source_); }

 private:
  std::unique_ptr<FutureSource<T>> source_;
  bool read_ = false;
};

template <typename T>
class ReadyFuture final : public FutureSource<T> {
 public:
  explicit ReadyFuture(T value) : value_(std::move(value)) {}
  [[nodiscard]] Eventual<Result<T>> read() override { return Result<T>(std::move(value_)); }

 private:
  T value_;
};

template <typename T>
FutureReader<T>::FutureReader(T value)
    : source_(std::make_unique<ReadyFuture<T>>(std::move(value))) {}

// The value as its bytes on the wire.
template <typename T>
class EncodingFuture final : public ByteSource {
 public:
  explicit EncodingFuture(std::unique_ptr<FutureSource<T>> source) : source_(std::move(source)) {}

  [[nodiscard]] Eventual<Result<std::optional<ByteChain>>> read() override {
    if (!source_) return Result<std::optional<ByteChain>>(std::nullopt);
    return encode(std::exchange(source_, nullptr));
  }

 private:
  static Task<Result<std::optional<ByteChain>>> encode(std::unique_ptr<FutureSource<T>> source) {
    CO_TRY(T value, co_await source->read());
    Encoder out;
    Codec<T>::encode(out, value);
    CO_TRY(ByteChain bytes, std::move(out).finishBytes());
    if (bytes.empty()) co_return std::nullopt;  // a value that takes no bytes
    co_return std::optional<ByteChain>(std::move(bytes));
  }

  std::unique_ptr<FutureSource<T>> source_;
};

template <typename T>
class DecodingFuture final : public FutureSource<T> {
 public:
  explicit DecodingFuture(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  [[nodiscard]] Eventual<Result<T>> read() override { return decode(); }

 private:
  Task<Result<T>> decode() {
    ByteChain arrived;
    std::size_t needed = Codec<T>::kMinBytes;
    MeasuringBudget trying(kMaxFutureBytes, MeasuringBudget::kManyTimes);
    // A value that takes no bytes is there when its channel ends.
    bool waits_for_end = needed == 0;
    while (true) {
      while (arrived.size() < needed || waits_for_end) {
        CO_TRY(std::optional<ByteChain> piece, co_await source_->read());
        if (piece) {
          arrived.append(*std::move(piece));
        } else if (!waits_for_end) {
          co_return fail(ErrorCode::kProtocol, "a future was broken off");
        }
        waits_for_end = false;
      }
      CO_TRY_VOID(trying.spend(arrived.size()));
      Decoder in(arrived);
      T value = Codec<T>::decode(in);
      const Result<void> done = in.finish();
      if (done) co_return value;
      if (!in.truncated()) co_return std::unexpected(done.error());
      needed = arrived.size() + in.missing();
      if (needed > kMaxFutureBytes)
        co_return fail(ErrorCode::kResourceExhausted, "the value of a future is too large");
    }
  }

  std::unique_ptr<ByteSource> source_;
};

template <typename T>
struct Codec<FutureReader<T>> {
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = true;
  static_assert(!Codec<T>::kPending, "streams in the value of a future are not supported");

  static void encode(Encoder& out, FutureReader<T>& value) {
    out.pending(std::make_unique<EncodingFuture<T>>(std::move(value).release()));
  }
  static FutureReader<T> decode(Decoder& in) {
    if (in.isReady()) return FutureReader<T>(Codec<T>::decode(in));
    std::unique_ptr<ByteSource> source = in.pending();
    if (!source) return {};
    return FutureReader<T>(std::make_unique<DecodingFuture<T>>(std::move(source)));
  }
};

// What the two ends of a future within one shard share.
template <typename T>
struct FuturePipe {
  std::optional<Result<T>> value;
  Event ready;
};

template <typename T>
class PipeFuture final : public FutureSource<T> {
 public:
  explicit PipeFuture(std::shared_ptr<FuturePipe<T>> pipe) : pipe_(std::move(pipe)) {}
  [[nodiscard]] Eventual<Result<T>> read() override {
    if (pipe_->value) return std::move(*pipe_->value);
    return wait(pipe_);
  }

 private:
  static Task<Result<T>> wait(std::shared_ptr<FuturePipe<T>> pipe) {
    co_await pipe->ready.wait();
    co_return std::move(*pipe->value);
  }
  std::shared_ptr<FuturePipe<T>> pipe_;
};

// The writing end of makeFuture(). Destroying it without set() breaks the future off.
template <typename T>
class FutureWriter {
 public:
  explicit FutureWriter(std::shared_ptr<FuturePipe<T>> pipe) : pipe_(std::move(pipe)) {}
  FutureWriter(FutureWriter&&) noexcept = default;
  FutureWriter& operator=(FutureWriter&&) = delete;
  ~FutureWriter() { set(fail(ErrorCode::kUnavailable, "the writer of a future gave up")); }

  // The first value counts.
  void set(Result<T> value) {
    const std::shared_ptr<FuturePipe<T>> pipe = std::exchange(pipe_, nullptr);
    if (!pipe) return;
    pipe->value.emplace(std::move(value));
    pipe->ready.set();
  }

 private:
  std::shared_ptr<FuturePipe<T>> pipe_;
};

template <typename T>
[[nodiscard]] std::pair<FutureWriter<T>, FutureReader<T>> makeFuture() {
  auto pipe = std::make_shared<FuturePipe<T>>();
  return {FutureWriter<T>(pipe), FutureReader<T>(std::make_unique<PipeFuture<T>>(pipe))};
}

}  // namespace nimbus::wrpc
