#include "net/stream.h"

#include "base/sync.h"

namespace nimbus::net {

Task<Result<void>> Stream::writeAll(ByteView bytes) {
  while (!bytes.empty()) {
    CO_TRY(const std::size_t taken, tryWrite(bytes));
    bytes = bytes.subspan(taken);
    if (taken == 0) CO_TRY_VOID(co_await writable());
  }
  co_return Result<void>{};
}

Result<std::size_t> Stream::tryWritePieces(std::span<const ByteView> pieces) {
  std::size_t total = 0;
  for (const ByteView piece : pieces) {
    TRY(const std::size_t taken, tryWrite(piece));
    total += taken;
    if (taken < piece.size()) break;
  }
  return total;
}

void Stream::closeOrderly() {
  Task<Result<void>> farewell = shutdownWrite();
  farewell.start();
  close();
}

Task<void> Stream::gone() {
  Event never;
  co_await never.wait();
}

}  // namespace nimbus::net
