#include "wit/split.h"

#include <cstdint>

#include "base/check.h"
#include "wit/tool_call.h"

namespace nimbus::wit {
namespace {

constexpr std::size_t kSizeBytes = sizeof(std::uint64_t);

std::size_t sizeAt(ByteView bytes) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size |= std::uint64_t{bytes[i]} << (8 * i);
  return size;
}

}  // namespace

Result<std::optional<SplitComponent>> splitModules(ByteView component, const SplitOptions& options,
                                                   const Bytes& layouts) {
  const NimbusSplitOptions raw{options.min_code_bytes, options.large_code_bytes, options.first,
                               options.which};
  TRY(const Bytes pieces, bytesOf(call(nimbus_tools_split, component.data(), component.size(), &raw,
                                       layouts.view().data(), layouts.size())));
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
      case NIMBUS_PIECE_REST: split.rest = std::move(piece); break;
      case NIMBUS_PIECE_DATA: split.data.push_back(std::move(piece)); break;
      case NIMBUS_PIECE_CODE: split.code.push_back(std::move(piece)); break;
      default: split.layouts = Bytes::copyOf(piece.view()); break;  // outlives all others
    }
  }
  return split;
}

}  // namespace nimbus::wit
