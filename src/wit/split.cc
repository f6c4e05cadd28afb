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

Result<std::optional<SplitComponent>> splitModules(ByteView component, std::size_t min_code_bytes) {
  TRY(const Bytes pieces,
      bytesOf(call(nimbus_tools_split, component.data(), component.size(), min_code_bytes)));
  if (pieces.empty()) return std::nullopt;
  std::vector<Bytes> found;
  for (std::size_t at = 0; at < pieces.size();) {
    NIMBUS_CHECK(pieces.size() - at >= kSizeBytes);
    const std::size_t size = sizeAt(pieces.view().subspan(at));
    at += kSizeBytes;
    NIMBUS_CHECK(size <= pieces.size() - at);
    found.push_back(pieces.slice(at, size));
    at += size;
  }
  SplitComponent split{.rest = found.front(), .modules = {}};
  split.modules.assign(found.begin() + 1, found.end());
  return split;
}

}  // namespace nimbus::wit
