#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/eventual.h"
#include "base/result.h"
#include "wrpc/codec.h"
#include "wrpc/invoker.h"
#include "wrpc/stream_decoder.h"

namespace nimbus::wrpc {

// Some elements of a stream in a row; for stream<u8> shared bytes.
template <typename T>
using StreamChunk = std::conditional_t<std::is_same_v<T, std::uint8_t>, Bytes, std::vector<T>>;

// Where the elements of a stream come from; pulled, which is the back-pressure. Destroying it tells
// the writer that nobody reads. To be implemented by handlers whose stream is made on demand; see
// also makeStream() in stream_pipe.h.
template <typename T>
class StreamSource {
 public:
  StreamSource() = default;
  StreamSource(const StreamSource&) = delete;
  StreamSource& operator=(const StreamSource&) = delete;
  virtual ~StreamSource() = default;

  // The next elements, at least one; nullopt at the end. Not to be called again before it
  // completed, nor after the end or a failure.
  [[nodiscard]] virtual Eventual<Result<std::optional<StreamChunk<T>>>> read() = 0;
};

// stream<T> as parameter, result or field: its reading end. An empty one is an empty stream.
// Belongs to one shard. Elements with resources, streams or futures in them are not supported.
//
//   while (true) {
//     CO_TRY(std::optional<Bytes> piece, co_await body.read());
//     if (!piece) break;
//   }
template <typename T>
class StreamReader {
 public:
  StreamReader() = default;
  explicit StreamReader(std::unique_ptr<StreamSource<T>> source) : source_(std::move(source)) {}
  // A stream of what is there already.
  explicit StreamReader(StreamChunk<T> chunk);

  // See StreamSource, but after the end or a failure it gives nullopt.
  [[nodiscard]] Eventual<Result<std::optional<StreamChunk<T>>>> read() {
    if (!source_) return Result<std::optional<StreamChunk<T>>>(std::nullopt);
    return source_->read();
  }

  [[nodiscard]] std::unique_ptr<StreamSource<T>> release() && { return std::move(source_); }

 private:
  std::unique_ptr<StreamSource<T>> source_;
};

// One chunk, then the end.
template <typename T>
class ReadyStream final : public StreamSource<T> {
 public:
  explicit ReadyStream(StreamChunk<T> chunk) : chunk_(std::move(chunk)) {}
  [[nodiscard]] Eventual<Result<std::optional<StreamChunk<T>>>> read() override {
    std::optional<StreamChunk<T>> chunk = std::exchange(chunk_, std::nullopt);
    if (chunk && chunk->empty()) chunk.reset();
    return Result<std::optional<StreamChunk<T>>>(std::move(chunk));
  }

 private:
  std::optional<StreamChunk<T>> chunk_;
};

template <typename T>
StreamReader<T>::StreamReader(StreamChunk<T> chunk)
    : source_(std::make_unique<ReadyStream<T>>(std::move(chunk))) {}

// The elements as their lists on the wire.
template <typename T>
class EncodingSource final : public ByteSource {
 public:
  explicit EncodingSource(std::unique_ptr<StreamSource<T>> source) : source_(std::move(source)) {}

  [[nodiscard]] Eventual<Result<std::optional<ByteChain>>> read() override {
    if (ended_) return Result<std::optional<ByteChain>>(std::nullopt);
    if (!source_) return encode(std::nullopt);
    Eventual<Result<std::optional<StreamChunk<T>>>> chunk = source_->read();
    if (chunk.ready()) return encode(chunk.take());
    return encodeLater(std::move(chunk).intoTask());
  }

 private:
  Task<Result<std::optional<ByteChain>>> encodeLater(
      Task<Result<std::optional<StreamChunk<T>>>> chunk) {
    co_return encode(co_await std::move(chunk));
  }
  Result<std::optional<ByteChain>> encode(Result<std::optional<StreamChunk<T>>> chunk) {
    if (!chunk) return std::unexpected(std::move(chunk).error());
    Encoder out;
    if (*chunk) {
      Codec<StreamChunk<T>>::encode(out, **chunk);
    } else {
      out.count(0);
      ended_ = true;
    }
    TRY(ByteChain bytes, std::move(out).finishBytes());
    return bytes;
  }

  std::unique_ptr<StreamSource<T>> source_;
  bool ended_ = false;
};

// The other way round: what arrives on a channel, decoded as far as it goes.
template <typename T>
class DecodingSource final : public StreamSource<T> {
 public:
  explicit DecodingSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  [[nodiscard]] Eventual<Result<std::optional<StreamChunk<T>>>> read() override {
    if (decoder_.ended()) return Result<std::optional<StreamChunk<T>>>(std::nullopt);
    if (auto there = decoder_.next(); there.has_value()) return std::move(*there);
    return pull();
  }

 private:
  Task<Result<std::optional<StreamChunk<T>>>> pull() {
    while (true) {
      CO_TRY(std::optional<ByteChain> piece, co_await source_->read());
      if (!piece) co_return fail(ErrorCode::kProtocol, "a stream was broken off");
      decoder_.append(*std::move(piece));
      if (auto there = decoder_.next(); there.has_value()) co_return std::move(*there);
    }
  }

  std::unique_ptr<ByteSource> source_;
  StreamDecoder<T> decoder_;
};

template <typename T>
struct Codec<StreamReader<T>> {
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = true;
  static_assert(!Codec<T>::kPending, "streams in the elements of a stream are not supported");

  static void encode(Encoder& out, StreamReader<T>& value) {
    out.pending(std::make_unique<EncodingSource<T>>(std::move(value).release()));
  }
  static StreamReader<T> decode(Decoder& in) {
    if (in.isReady()) return StreamReader<T>(Codec<StreamChunk<T>>::decode(in));
    std::unique_ptr<ByteSource> source = in.pending();
    if (!source) return {};
    return StreamReader<T>(std::make_unique<DecodingSource<T>>(std::move(source)));
  }
};

}  // namespace nimbus::wrpc
