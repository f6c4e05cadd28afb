#pragma once

#include <array>
#include <vector>

#include "base/byte_chain.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Where the pieces of a chain lie. Internal to src/engine.
class PieceList {
 public:
  // Valid until the next call, and as long as the chain's own pieces.
  void show(const ByteChain& bytes, NimbusPieces& to);

 private:
  std::array<NimbusStr, 4> few_;
  std::vector<NimbusStr> many_;
};

// Shows small values where they lie, which is for the receiver to copy while `bytes` and `pieces`
// live; moves large ones out of the chain into memory that the receiver releases.
void lend(ByteChain& bytes, PieceList& pieces, NimbusPieces& to);

// Encoded values on their way to a guest: small ones are copied by the engine during the call,
// large ones shared until the guest has them. Internal to src/engine.
class BorrowedReply {
 public:
  // Valid until the next call, or the object's end, if it lends; else on its own. Written where it
  // is read: to copy what was only just written stalls the processor.
  void hand(ByteChain&& bytes, NimbusPieces& to);
  // Shows bytes that lie elsewhere, for as long as they do.
  void show(ByteView bytes, NimbusPieces& to);

 private:
  ByteChain bytes_;
  PieceList pieces_;
  NimbusStr piece_;
};

}  // namespace nimbus::engine
