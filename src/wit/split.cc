#include "wit/split.h"

#include <cstdint>

#include "base/check.h"
#include "wit/tool_call.h"

namespace nimbus::wit {
namespace {

// What a piece is.
constexpr std::uint8_t kRest = 0;
constexpr std::uint8_t kData = 1;
constexpr std::uint8_t kCode = 2;
constexpr std::size_t kSizeBytes = sizeof(std::uint64_t);

std::size_t sizeAt(ByteView bytes) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size |= std::uint64_t{bytes[i]} << (8 * i);
  return size;
}

}  // namespace

Result<std::optional<SplitComponent>> splitModules(ByteView component, std::size_t min_code_bytes,
                                                   const Bytes& layouts) {
  TRY(const Bytes pieces, bytesOf(call(nimbus_tools_split, component.data(), component.size(),
                                       min_code_bytes, layouts.view().data(), layouts.size())));
  if (pieces.empty()) return std::nullopt;
  SplitComponent split;
  for (std::size_t at = 0; at < pieces.size();) {
    NIMBUS_CHECK(pieces.size() - at >= 1 + kSizeBytes);
    const std::uint8_t kind = pieces.view()[at];
    const std::size_t size = sizeAt(pieces.view().subspan(at + 1));
    at += 1 + kSizeBytes;
    NIMBUS_CHECK(size <= pieces.size() - at);
    Bytes piece = pieces.slice(at, size);
    at += size;
    switch (kind) {
      case kRest: split.rest = std::move(piece); break;
      case kData: split.data.push_back(std::move(piece)); break;
      case kCode: split.code.push_back(std::move(piece)); break;
      default: split.layouts = Bytes::copyOf(piece.view()); break;  // outlives all others
    }
  }
  return split;
}

}  // namespace nimbus::wit
