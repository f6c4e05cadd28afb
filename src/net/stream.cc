#include "net/stream.h"

namespace nimbus::net {

Task<Result<void>> Stream::writeAll(ByteView bytes) {
  while (!bytes.empty()) {
    CO_TRY(const std::size_t taken, tryWrite(bytes));
    bytes = bytes.subspan(taken);
    if (taken == 0) CO_TRY_VOID(co_await writable());
  }
  co_return Result<void>{};
}

}  // namespace nimbus::net
