#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "wrpc/invoker.h"
#include "wrpc/leb.h"

namespace nimbus::wrpc {

class HandleSpace;

// Writes values in the wRPC encoding (docs/formats/wrpc-values.md). Large byte lists are shared,
// everything else is copied. A value that cannot be encoded (text that is not UTF-8, a list longer
// than 2^32-1) makes finish() fail; what is written after that is ignored.
//
//   Encoder out;
//   out.text("greeting");
//   out.bytes(value);
//   return std::move(out).finish();
class Encoder {
 public:
  // `handles` (may be null) writes the resources among the values; it outlives the Encoder.
  explicit Encoder(HandleSpace* handles = nullptr) : handles_(handles) {}

  void boolean(bool value) { u8(value ? 1 : 0); }
  void u8(std::uint8_t value) {
    if (used_ == buffer_.size()) flush();
    buffer_[used_++] = value;
  }
  void s8(std::int8_t value) { u8(static_cast<std::uint8_t>(value)); }
  // u16, u32, u64, case numbers.
  void unsignedNumber(std::uint64_t value) {
    if (value < 0x80) return u8(static_cast<std::uint8_t>(value));
    reserve(kMaxLebBytes);
    used_ += writeUleb(value, buffer_.data() + used_);
  }
  // s16, s32, s64.
  void signedNumber(std::int64_t value) {
    reserve(kMaxLebBytes);
    used_ += writeSleb(value, buffer_.data() + used_);
  }
  // All NaNs become the canonical one.
  void f32(float value);
  void f64(double value);
  void character(char32_t value);
  void text(std::string_view value);
  void bytes(ByteView value);
  void bytes(const Bytes& value);
  // The number of elements of a list, which follow.
  void count(std::size_t elements);
  // A resource's handle, opaque.
  void handle(ByteView value) { bytes(value); }
  // A stream or future whose content comes from `source`, at the current path.
  void pending(std::unique_ptr<ByteSource> source);
  // Bytes that are encoded already.
  void encoded(ByteView value) { copy(value); }
  void encoded(ByteChain value);

  // While it lives, values are at this position below the current path. Needed only around values
  // that hold streams or futures.
  class Step {
   public:
    Step(Encoder& encoder, std::uint32_t position) : encoder_(encoder) {
      encoder_.path_.push_back(position);
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { encoder_.path_.pop_back(); }

   private:
    Encoder& encoder_;
  };

  [[nodiscard]] HandleSpace* handles() const { return handles_; }
  void setHandles(HandleSpace* handles) { handles_ = handles; }

  // The first failure counts.
  void fail(ErrorCode code, std::string_view message);
  void fail(Error error) {
    if (!error_) error_.emplace(std::move(error));
  }
  [[nodiscard]] bool ok() const { return !error_; }

  // What somebody else has encoded, or why that failed, in place of all that was written.
  void become(Result<Values> values);
  // Back to nothing written, for the next values.
  void clear() {
    used_ = 0;
    if (is_spread_ || error_) reset();
  }

  // All that was written, where it lies: valid until the next change. Null if it is more than a
  // little, or has channels, or if there was a failure: then finish() has it.
  [[nodiscard]] std::optional<ByteView> few() const {
    if (is_spread_ || error_) return std::nullopt;
    return ByteView(buffer_.data(), used_);
  }
  [[nodiscard]] Result<Values> finish() &&;
  // The bytes alone, where nothing is pending.
  [[nodiscard]] Result<ByteChain> finishBytes() &&;

 private:
  static constexpr std::size_t kBufferBytes = 128;

  void flush() {
    is_spread_ = true;
    values_.bytes.append(ByteView(buffer_.data(), used_));
    used_ = 0;
  }
  void reset();
  void reserve(std::size_t count) {
    if (buffer_.size() - used_ < count) flush();
  }
  void copy(ByteView value);

  std::size_t used_ = 0;
  bool is_spread_ = false;  // not all of it is in the buffer
  HandleSpace* handles_;
  Values values_;
  IndexPath path_;
  std::optional<Error> error_;
  // Collects small writes; uninitialised on purpose.
  std::array<std::uint8_t, kBufferBytes> buffer_;
};

}  // namespace nimbus::wrpc
