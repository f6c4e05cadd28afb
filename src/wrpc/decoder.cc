#include "wrpc/decoder.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/utf8.h"
#include "wrpc/leb.h"

namespace nimbus::wrpc {

namespace {

// A byte list is shared if it keeps at most this many times its own size alive.
constexpr std::size_t kMaxPinnedRatio = 8;

}  // namespace

Decoder::Decoder(const ByteChain& bytes, DecodeLimits limits)
    : chain_(&bytes), later_(bytes.size()), list_bytes_left_(limits.max_list_bytes) {
  if (!bytes.empty()) enterPiece(0);
}

Decoder::Decoder(Values& values, HandleSpace* handles, DecodeLimits limits)
    : Decoder(values.bytes, limits) {
  values_ = &values;
  handles_ = handles;
}

void Decoder::enterPiece(std::size_t index) {
  const ByteView view = chain_->piece(index);
  piece_ = index;
  at_ = view.data();
  end_ = at_ + view.size();
  later_ -= view.size();
}

bool Decoder::nextPiece() {
  if (later_ == 0) {
    failTruncated(1);
    return false;
  }
  enterPiece(piece_ + 1);
  return true;
}

bool Decoder::boolean() {
  const std::uint8_t byte = u8();
  if (byte > 1) fail("a bool is neither 0 nor 1");
  return byte == 1;
}

std::uint64_t Decoder::longUnsigned(unsigned bits) {
  UlebReader reader(bits);
  while (true) {
    const LebState state = reader.push(u8());
    if (state == LebState::kDone) return ok() ? reader.value() : 0;
    if (state == LebState::kWrong) break;
  }
  fail("an unsigned number does not fit its type");
  return 0;
}

std::int64_t Decoder::signedNumber(unsigned bits) {
  SlebReader reader(bits);
  while (true) {
    const LebState state = reader.push(u8());
    if (state == LebState::kDone) return ok() ? reader.value() : 0;
    if (state == LebState::kWrong) break;
  }
  fail("a signed number does not fit its type");
  return 0;
}

float Decoder::f32() {
  float value = 0;
  const ByteView raw = take(sizeof value);
  if (raw.size() == sizeof value) std::memcpy(&value, raw.data(), sizeof value);
  return value;
}

double Decoder::f64() {
  double value = 0;
  const ByteView raw = take(sizeof value);
  if (raw.size() == sizeof value) std::memcpy(&value, raw.data(), sizeof value);
  return value;
}

char32_t Decoder::character() {
  const std::uint8_t first = u8();
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  std::uint8_t sequence[4] = {first};
  char32_t value = first & (0x3FU >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    sequence[i] = u8();
    value = (value << 6) | (sequence[i] & 0x3FU);
  }
  if (isUtf8(ByteView(sequence, more + 1))) return ok() ? value : 0;
  fail("a char is not UTF-8");
  return 0;
}

std::string_view Decoder::text() {
  const ByteView view = byteView();
  if (measuring_) return {};
  if (isUtf8(view)) return asText(view);
  fail("a string is not UTF-8");
  return {};
}

ByteView Decoder::byteView() { return take(unsignedNumber(32)); }

ByteView Decoder::handle() {
  const ByteView view = byteView();
  if (view.size() <= kMaxHandleBytes) return view;
  fail("a handle is too long");
  return {};
}

Bytes Decoder::bytes() {
  const std::size_t size = unsignedNumber(32);
  if (size > remaining()) {
    failTruncated(size - remaining());
    return {};
  }
  if (measuring_) skip(size);
  if (size == 0 || measuring_) return {};
  if (at_ == end_) static_cast<void>(nextPiece());
  const std::size_t here = static_cast<std::size_t>(end_ - at_);
  if (size > here) return gather(size);
  const std::uint8_t* const begin = std::exchange(at_, at_ + size);
  if (chain_ != nullptr && size >= ByteChain::kShareBytes) {
    const ByteView whole = chain_->piece(piece_);
    if (whole.size() / kMaxPinnedRatio <= size)
      return chain_->sharePiece(piece_, static_cast<std::size_t>(begin - whole.data()), size);
  }
  return Bytes::copyOf(ByteView(begin, size));
}

ByteView Decoder::take(std::size_t count) {
  if (count <= static_cast<std::size_t>(end_ - at_))
    return {std::exchange(at_, at_ + count), count};
  if (count > remaining()) {
    failTruncated(count - remaining());
    return {};
  }
  if (at_ == end_) {
    static_cast<void>(nextPiece());
    return take(count);
  }
  if (measuring_) {
    skip(count);
    return {};
  }
  return gathered_.emplace_back(gather(count)).view();
}

void Decoder::skip(std::size_t count) {
  while (count > 0) {
    if (at_ == end_) static_cast<void>(nextPiece());
    const std::size_t step = std::min(count, static_cast<std::size_t>(end_ - at_));
    at_ += step;
    count -= step;
  }
}

Bytes Decoder::gather(std::size_t count) {
  auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(count);
  for (std::size_t filled = 0; filled < count;) {
    if (at_ == end_) static_cast<void>(nextPiece());
    const std::size_t step = std::min(count - filled, static_cast<std::size_t>(end_ - at_));
    std::memcpy(memory.get() + filled, at_, step);
    at_ += step;
    filled += step;
  }
  const ByteView view(memory.get(), count);
  return {view, std::move(memory)};
}

std::size_t Decoder::count(std::size_t min_encoded_bytes, std::size_t element_bytes) {
  const std::size_t elements = unsignedNumber(32);
  const std::size_t list_bytes = elements * std::max(element_bytes, std::size_t{1});
  if (list_bytes > list_bytes_left_) {
    fail(ErrorCode::kResourceExhausted, "the lists are too long");
    return 0;
  }
  list_bytes_left_ -= list_bytes;
  const std::size_t needed = elements * min_encoded_bytes;
  if (needed <= remaining()) return elements;
  failTruncated(needed - remaining());
  return 0;
}

std::uint32_t Decoder::caseNumber(std::uint32_t cases) {
  const auto number = static_cast<std::uint32_t>(unsignedNumber(32));
  if (number < cases) return number;
  fail("there is no case of that number");
  return 0;
}

void Decoder::flags(std::uint32_t labels, std::uint8_t* out) {
  const std::size_t width = (labels + 7) / 8;
  for (std::size_t i = 0; i < width; ++i) out[i] = u8();
  if (labels % 8 != 0 && (out[width - 1] >> (labels % 8)) != 0)
    fail("flags without a label are set");
}

std::unique_ptr<ByteSource> Decoder::pending() {
  if (!ok() || measuring_) return nullptr;
  std::unique_ptr<ByteSource> source = values_ != nullptr ? values_->take(path_) : nullptr;
  if (!source) fail("a stream or future is announced, but has no channel");
  return source;
}

void Decoder::failTruncated(std::size_t missing) {
  if (error_) return;
  fail("the value ends too early");
  missing_ = missing;
}

void Decoder::fail(ErrorCode code, std::string_view message) {
  if (!error_) error_.emplace(code, std::string(message));
  // Nothing is left to read: every further read fails at once, and gives zero.
  at_ = end_ = nullptr;
  later_ = 0;
}

Result<void> Decoder::finish() {
  if (!readAll()) [[unlikely]]
    return std::unexpected(*error_);
  return {};
}

}  // namespace nimbus::wrpc
