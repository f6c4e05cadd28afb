// Arbitrary bytes as values of an arbitrary type: the first half of the input makes the type, the
// second half is the value. Skipping and decoding agree, and what decodes can be encoded again.

#include <array>
#include <cstddef>
#include <cstdint>

#include "wrpc/dynamic_codec.h"
#include "wrpc/dynamic_test_support.h"

namespace {

struct Input {
  nimbus::ByteView left;
  std::uint32_t pick(std::uint32_t below) {
    if (left.empty()) return 0;
    const std::uint32_t byte = left[0];
    left = left.subspan(1);
    return byte % below;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus;
  using namespace nimbus::wrpc;
  const ByteView all(data, size);
  Input input{all.first(size / 2)};
  const ByteView value = all.subspan(size / 2);
  wit::Document document;
  const wit::TypeRef type = ValueMaker<Input>(input).type(document, 5);

  const DecodeLimits limits{.max_list_bytes = std::size_t{1} << 20};
  DynamicCodec codec(document);
  Decoder skipping(value, limits);
  const auto pending = codec.check(skipping, std::array{type});
  Decoder decoding(value, limits);
  const DynamicValue decoded = codec.decode(decoding, type);
  const Result<void> done = decoding.finish();
  // Trees take more memory than what is skipped.
  if (!done && done.error().code() == ErrorCode::kResourceExhausted) return 0;
  if (done.has_value() != pending.has_value()) __builtin_trap();
  if (!done) return 0;
  Encoder out;
  codec.encode(out, type, decoded);
  const auto bytes = std::move(out).finishBytes();
  if (!bytes) __builtin_trap();
  Decoder again(*bytes, limits);
  const auto pending_again = codec.check(again, std::array{type});
  if (!pending_again || pending_again->size() != pending->size()) __builtin_trap();
  return 0;
}
