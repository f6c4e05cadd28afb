#pragma once

#include <vector>

#include "base/byte_chain.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Encoded values on their way to a guest: small ones are copied by the engine during the call,
// large ones shared until the guest has them. Internal to src/engine.
class BorrowedReply {
 public:
  // Valid until the next call, or the object's end, if it lends; else on its own.
  [[nodiscard]] NimbusPieces hand(ByteChain&& bytes);

 private:
  ByteChain bytes_;
  std::vector<NimbusStr> pieces_;
};

}  // namespace nimbus::engine
