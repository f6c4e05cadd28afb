#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

class HandleSpace;

inline constexpr std::size_t kMaxHandleBytes = 256;

// What decoding may cost beyond the bytes that are there.
struct DecodeLimits {
  // What the elements of all lists together may take in memory, without what they refer to; at
  // least a byte each. Small encodings can be large objects.
  std::size_t max_list_bytes = std::size_t{256} << 20;
};

// Reads values in the wRPC encoding, strictly (docs/formats/wrpc-values.md). The first failure is
// kept: from then on every read gives a zero value, and finish() says what was wrong (kProtocol).
// So reading needs no check after each value; loops ask ok(). Nothing is allocated for bytes that
// are merely claimed. Views and texts live as long as the memory that is read and the Decoder.
//
//   Decoder in(values);
//   const std::string_view key = in.text();
//   const Bytes value = in.bytes();
//   TRY_VOID(in.finish());
class Decoder {
 public:
  // The memory outlives the Decoder; the chain or the values must not move meanwhile.
  explicit Decoder(ByteView bytes, DecodeLimits limits = {}) : Decoder(bytes, nullptr, limits) {}
  Decoder(ByteView bytes, HandleSpace* handles, DecodeLimits limits)
      : at_(bytes.data()),
        end_(at_ + bytes.size()),
        handles_(handles),
        list_bytes_left_(limits.max_list_bytes) {}
  explicit Decoder(const ByteChain& bytes, DecodeLimits limits = {});
  // With the streams and futures among the values, and what reads resources (may be null).
  explicit Decoder(Values& values, HandleSpace* handles = nullptr, DecodeLimits limits = {});
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() = default;

  [[nodiscard]] bool boolean();
  [[nodiscard]] std::uint8_t u8() {
    if (at_ == end_) [[unlikely]]
      return nextPiece() ? *at_++ : 0;
    return *at_++;
  }
  [[nodiscard]] std::int8_t s8() { return static_cast<std::int8_t>(u8()); }
  // Numbers of 16, 32 or 64 bits.
  [[nodiscard]] std::uint64_t unsignedNumber(unsigned bits) {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return longUnsigned(bits);
  }
  [[nodiscard]] std::int64_t signedNumber(unsigned bits);
  [[nodiscard]] float f32();
  [[nodiscard]] double f64();
  [[nodiscard]] char32_t character();
  // Checked to be UTF-8. Copied only if it lies across pieces.
  [[nodiscard]] std::string_view text();
  // The same for a byte list.
  [[nodiscard]] ByteView byteView();
  // A byte list that may outlive everything: shares the memory where that is worth it (it is large,
  // and a good part of what it would keep alive), else copies.
  [[nodiscard]] Bytes bytes();
  // The number of elements of a list, each of which takes `min_encoded_bytes` or more here, and
  // `element_bytes` once decoded.
  [[nodiscard]] std::size_t count(std::size_t min_encoded_bytes, std::size_t element_bytes = 1);
  // The number of a case below `cases`; 0 after a failure.
  [[nodiscard]] std::uint32_t caseNumber(std::uint32_t cases);
  // The labels of flags: bits beyond `labels` are an error. `out` has room for (labels + 7) / 8.
  void flags(std::uint32_t labels, std::uint8_t* out);
  // Whether an option is there; whether a result is its error.
  [[nodiscard]] bool present() { return caseNumber(2) == 1; }
  [[nodiscard]] bool isError() { return caseNumber(2) == 1; }
  // A resource's handle, opaque, at most kMaxHandleBytes.
  [[nodiscard]] ByteView handle();
  // The tag of a stream or future: true if all of it follows, false if it is pending.
  [[nodiscard]] bool isReady() { return caseNumber(2) == 1; }
  // The channel of a pending stream or future at the current path; fails if there is none.
  [[nodiscard]] std::unique_ptr<ByteSource> pending();

  // See Encoder::Step.
  class Step {
   public:
    Step(Decoder& decoder, std::uint32_t position) : decoder_(decoder) {
      decoder_.path_.push_back(position);
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { decoder_.path_.pop_back(); }

   private:
    Decoder& decoder_;
  };

  [[nodiscard]] HandleSpace* handles() const { return handles_; }

  // From now on only finds out where values end: texts and bytes come out empty, unchecked;
  // resources and channels are not looked for.
  void measureOnly() { measuring_ = true; }
  [[nodiscard]] bool measuring() const { return measuring_; }

  // Where the Steps lead.
  [[nodiscard]] const IndexPath& path() const { return path_; }

  [[nodiscard]] std::size_t remaining() const {
    return static_cast<std::size_t>(end_ - at_) + later_;
  }
  [[nodiscard]] bool ok() const { return !error_; }
  // Whether the failure is that the bytes ended too early; then missing() more are needed at least.
  [[nodiscard]] bool truncated() const { return missing_ > 0; }
  [[nodiscard]] std::size_t missing() const { return missing_; }
  void fail(std::string_view message) { fail(ErrorCode::kProtocol, message); }
  void fail(ErrorCode code, std::string_view message);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  // Success if everything was read without a failure.
  [[nodiscard]] Result<void> finish();
  // The same as a question; error() has the answer.
  [[nodiscard]] bool readAll() {
    if (ok() && remaining() > 0) [[unlikely]]
      fail("there are bytes behind the value");
    return ok();
  }

 private:
  bool nextPiece();
  void enterPiece(std::size_t index);
  void failTruncated(std::size_t missing);
  [[nodiscard]] std::uint64_t longUnsigned(unsigned bits);
  // The next bytes in one piece; where they lie across pieces, gathered in memory of the Decoder.
  [[nodiscard]] ByteView take(std::size_t count);
  [[nodiscard]] Bytes gather(std::size_t count);
  // Passes over bytes that are there.
  void skip(std::size_t count);

  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  const ByteChain* chain_ = nullptr;
  Values* values_ = nullptr;
  HandleSpace* handles_ = nullptr;
  std::size_t piece_ = 0;  // index of the piece that at_ points into
  std::size_t later_ = 0;  // bytes in the pieces behind it
  std::size_t missing_ = 0;
  bool measuring_ = false;
  std::size_t list_bytes_left_;
  IndexPath path_;
  std::vector<Bytes> gathered_;
  std::optional<Error> error_;
};

}  // namespace nimbus::wrpc
