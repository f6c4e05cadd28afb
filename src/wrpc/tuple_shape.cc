#include "wrpc/tuple_shape.h"

namespace nimbus::wrpc {

Result<std::optional<std::size_t>> measured(const Decoder& in, std::size_t size) {
  if (in.ok()) return size - in.remaining();
  if (in.truncated()) return std::nullopt;
  return std::unexpected(*in.error());
}

}  // namespace nimbus::wrpc
