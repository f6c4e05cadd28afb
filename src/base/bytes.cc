#include "base/bytes.h"

#include <cstring>
#include <utility>

namespace nimbus {

Bytes Bytes::copyOf(ByteView view) {
  if (view.empty()) return {};
  auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(view.size());
  std::memcpy(memory.get(), view.data(), view.size());
  const ByteView stored(memory.get(), view.size());
  return {stored, std::move(memory)};
}

Bytes Bytes::take(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  const ByteView view = asBytes(*owner);
  return {view, std::move(owner)};
}

}  // namespace nimbus
