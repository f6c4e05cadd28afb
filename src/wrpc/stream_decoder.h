#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "wrpc/codec.h"
#include "wrpc/leb.h"
#include "wrpc/measuring_budget.h"

namespace nimbus::wrpc {

// What an element may take on the wire before all of it has arrived.
inline constexpr std::size_t kMaxPartialElementBytes = std::size_t{16} << 20;
// Elements that one read gives at most, so that a stream is never decoded as a whole.
inline constexpr std::size_t kMaxChunkElements = 4096;

// What next() found: nothing while more bytes are needed, elements, nullopt at the end of the
// stream, or what is wrong.
template <typename Chunk>
using StreamStep = std::optional<Result<std::optional<Chunk>>>;

// The lists of a stream that arrive in pieces of any size, for elements of any type. Elements are
// given as soon as they are whole. An element that is cut is tried again only when the bytes that
// it is known to lack have arrived, and not in ever so many pieces: kResourceExhausted.
template <typename T>
class StreamDecoder {
 public:
  void append(ByteChain bytes) { arrived_.append(std::move(bytes)); }

  [[nodiscard]] StreamStep<std::vector<T>> next() {
    if (arrived_.size() < needed_) return std::nullopt;
    if (!arrived_.empty()) {
      buffer_ = joined();
      needed_ = 0;
      if (auto spent = trying_.spend(buffer_.size()); !spent)
        return Result<std::optional<std::vector<T>>>(std::unexpected(std::move(spent).error()));
    }
    const ByteChain chain(buffer_);
    Decoder in(chain);
    return decode(in);
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  using Step = StreamStep<std::vector<T>>;

  static MeasuringBudget budget() {
    return MeasuringBudget(kMaxPartialElementBytes, MeasuringBudget::kManyTimes);
  }

  Bytes joined() {
    ByteChain all;
    all.append(std::exchange(buffer_, {}));
    all.append(std::exchange(arrived_, {}));
    return all.toBytes();
  }

  Step decode(Decoder& in) {
    std::vector<T> elements;
    while (elements.size() < kMaxChunkElements && !ended_) {
      const bool at_list = list_left_ == 0;
      if (at_list) {
        const std::size_t count = in.unsignedNumber(32);
        if (in.ok()) {
          list_left_ = count;
          ended_ = count == 0;
        }
      } else {
        T element = Codec<T>::decode(in);
        if (in.ok()) {
          elements.push_back(std::move(element));
          --list_left_;
        }
      }
      if (!in.ok()) {
        if (in.truncated()) break;
        return Result<std::optional<std::vector<T>>>(std::unexpected(*in.error()));
      }
      consumed_ = buffer_.size() - in.remaining();
    }
    return step(in, std::move(elements));
  }

  Step step(Decoder& in, std::vector<T> elements) {
    buffer_ = buffer_.slice(consumed_, buffer_.size() - consumed_);
    consumed_ = 0;
    if (!elements.empty()) {
      trying_ = budget();
      return Result<std::optional<std::vector<T>>>(std::move(elements));
    }
    if (ended_) return Result<std::optional<std::vector<T>>>(std::nullopt);
    needed_ = in.missing();
    if (buffer_.size() + needed_ <= kMaxPartialElementBytes) return std::nullopt;
    return Result<std::optional<std::vector<T>>>(
        fail(ErrorCode::kResourceExhausted, "an element of a stream is too large"));
  }

  Bytes buffer_;       // what could not be decoded yet
  ByteChain arrived_;  // behind it
  std::size_t needed_ = 1;
  MeasuringBudget trying_ = budget();  // for the element at the front
  std::size_t consumed_ = 0;
  std::size_t list_left_ = 0;
  bool ended_ = false;
};

// stream<u8>: the bytes as they come, shared.
template <>
class StreamDecoder<std::uint8_t> {
 public:
  void append(ByteChain bytes);
  [[nodiscard]] StreamStep<Bytes> next();
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  std::deque<Bytes> pieces_;
  UlebReader length_{32};
  std::size_t list_left_ = 0;
  bool ended_ = false;
};

}  // namespace nimbus::wrpc
