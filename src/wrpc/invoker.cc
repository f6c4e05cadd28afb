#include "wrpc/invoker.h"

namespace nimbus::wrpc {

std::unique_ptr<ByteSource> Values::take(const IndexPath& path) {
  for (Channel& channel : channels) {
    if (channel.path == path && channel.source) return std::move(channel.source);
  }
  return arriving ? arriving->take(path) : nullptr;
}

}  // namespace nimbus::wrpc
