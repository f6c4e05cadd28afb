// A Decoder is driven through arbitrary bytes by a program that the input brings along. In one
// piece and in two, it reads the same, and fails alike; measuring ends where reading ends.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "wrpc/decoder.h"

namespace {

using nimbus::wrpc::Decoder;

// What one step read, as text.
std::string step(Decoder& in, std::uint8_t operation) {
  switch (operation % 12) {
    case 0: return std::to_string(in.boolean());
    case 1: return std::to_string(in.u8());
    case 2: return std::to_string(in.unsignedNumber(operation < 128 ? 16 : 64));
    case 3: return std::to_string(in.signedNumber(operation < 128 ? 32 : 64));
    case 4: return std::to_string(in.f32());
    case 5: return std::to_string(in.f64());
    case 6: return std::to_string(static_cast<std::uint32_t>(in.character()));
    case 7: return std::string(in.text());
    case 8: return std::string(in.bytes().text());
    case 9: return std::to_string(in.count(operation / 64));
    case 10: return std::to_string(in.caseNumber(1 + operation));
    default: {
      std::uint8_t bits[32] = {};
      in.flags(operation, bits);
      return std::string(nimbus::asText(bits));
    }
  }
}

std::string drive(Decoder& in, nimbus::ByteView program) {
  std::string read;
  for (const std::uint8_t operation : program) read += step(in, operation) + ";";
  if (!in.ok()) read += in.error()->message() + std::to_string(in.missing());
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus;
  if (size < 2) return 0;
  const std::size_t steps = std::min<std::size_t>(data[0] % 32, size - 2);
  const ByteView program(data + 2, steps);
  const ByteView bytes(data + 2 + steps, size - 2 - steps);

  Decoder flat(bytes);
  const std::string expected = drive(flat, program);

  const std::size_t cut = bytes.empty() ? 0 : data[1] % bytes.size();
  // Long enough to be pieces of their own.
  std::string first(ByteChain::kShareBytes, '.');
  first += asText(bytes.first(cut));
  std::string second(asText(bytes.subspan(cut)));
  const std::size_t filler = second.empty() ? 0 : ByteChain::kShareBytes;
  ByteChain chain;
  chain.append(Bytes::take(std::move(first)));
  if (filler == 0) {
    Decoder whole(chain);
    for (std::size_t i = 0; i < ByteChain::kShareBytes; ++i) static_cast<void>(whole.u8());
    if (drive(whole, program) != expected) __builtin_trap();
    return 0;
  }
  chain.append(asBytes(second));
  Decoder pieces(chain);
  for (std::size_t i = 0; i < ByteChain::kShareBytes; ++i) static_cast<void>(pieces.u8());
  if (drive(pieces, program) != expected) __builtin_trap();

  Decoder measuring(chain);
  measuring.measureOnly();
  for (std::size_t i = 0; i < ByteChain::kShareBytes; ++i) static_cast<void>(measuring.u8());
  static_cast<void>(drive(measuring, program));
  if (flat.ok() && (!measuring.ok() || measuring.remaining() != flat.remaining())) __builtin_trap();
  return 0;
}
