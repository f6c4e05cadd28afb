#include "wrpc/encoder.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/utf8.h"

namespace nimbus::wrpc {

namespace {

constexpr std::uint32_t kCanonicalNan32 = 0x7FC00000;
constexpr std::uint64_t kCanonicalNan64 = 0x7FF8000000000000;

}  // namespace

void Encoder::f32(float value) {
  static_assert(std::endian::native == std::endian::little);
  const auto bits = std::isnan(value) ? kCanonicalNan32 : std::bit_cast<std::uint32_t>(value);
  reserve(sizeof bits);
  std::memcpy(buffer_.data() + used_, &bits, sizeof bits);
  used_ += sizeof bits;
}

void Encoder::f64(double value) {
  const auto bits = std::isnan(value) ? kCanonicalNan64 : std::bit_cast<std::uint64_t>(value);
  reserve(sizeof bits);
  std::memcpy(buffer_.data() + used_, &bits, sizeof bits);
  used_ += sizeof bits;
}

void Encoder::character(char32_t c) {
  if (!isScalarValue(c)) return fail(ErrorCode::kInvalidArgument, "a char is no Unicode scalar");
  const auto rest = [&](unsigned shift) {
    u8(static_cast<std::uint8_t>(0x80 | ((c >> shift) & 0x3F)));
  };
  if (c < 0x80) return u8(static_cast<std::uint8_t>(c));
  if (c < 0x800) {
    u8(static_cast<std::uint8_t>(0xC0 | (c >> 6)));
  } else if (c < 0x10000) {
    u8(static_cast<std::uint8_t>(0xE0 | (c >> 12)));
    rest(6);
  } else {
    u8(static_cast<std::uint8_t>(0xF0 | (c >> 18)));
    rest(12);
    rest(6);
  }
  rest(0);
}

void Encoder::text(std::string_view value) {
  if (!isUtf8(asBytes(value))) return fail(ErrorCode::kInvalidArgument, "a string is not UTF-8");
  bytes(asBytes(value));
}

void Encoder::bytes(ByteView value) {
  count(value.size());
  copy(value);
}

void Encoder::bytes(const Bytes& value) {
  count(value.size());
  if (value.size() < ByteChain::kShareBytes) return copy(value.view());
  flush();
  values_.bytes.append(value);
}

void Encoder::count(std::size_t elements) {
  if (elements > std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorCode::kResourceExhausted, "a list is longer than 4294967295");
  unsignedNumber(elements);
}

void Encoder::pending(std::unique_ptr<ByteSource> source) {
  u8(0);
  is_spread_ = true;
  values_.channels.push_back({path_, std::move(source)});
}

void Encoder::encoded(ByteChain value) {
  flush();
  values_.bytes.append(std::move(value));
}

void Encoder::copy(ByteView value) {
  if (value.size() > buffer_.size() - used_) {
    flush();
    if (value.size() > buffer_.size()) return values_.bytes.append(value);
  }
  if (value.empty()) return;
  std::memcpy(buffer_.data() + used_, value.data(), value.size());
  used_ += value.size();
}

void Encoder::fail(ErrorCode code, std::string_view message) {
  if (!error_) error_.emplace(code, std::string(message));
}

void Encoder::become(Result<Values> values) {
  reset();
  if (!values) return fail(std::move(values).error());
  is_spread_ = true;
  values_ = *std::move(values);
}

void Encoder::reset() {
  used_ = 0;
  is_spread_ = false;
  values_ = Values();
  path_.clear();
  error_.reset();
}

Result<Values> Encoder::finish() && {
  if (error_) [[unlikely]]
    return std::unexpected(std::move(*error_));
  flush();
  return std::move(values_);
}

Result<ByteChain> Encoder::finishBytes() && {
  TRY(Values values, std::move(*this).finish());
  if (!values.channels.empty())
    return nimbus::fail(ErrorCode::kUnsupported, "a stream or future where only values can go");
  return std::move(values.bytes);
}

}  // namespace nimbus::wrpc
