#include "engine/reply.h"

#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Sharing costs two allocations; below this a copy is cheaper.
constexpr std::size_t kShareFromBytes = 4096;

struct Shared {
  ByteChain bytes;
  PieceList pieces;
};

}  // namespace

void PieceList::show(const ByteChain& bytes, NimbusPieces& to) {
  const std::size_t count = bytes.pieceCount();
  NimbusStr* pieces = few_.data();
  if (count > few_.size()) {
    many_.resize(count);
    pieces = many_.data();
  }
  for (std::size_t i = 0; i < count; ++i) pieces[i] = toStr(bytes.piece(i));
  to.pieces = pieces;
  to.count = count;
  to.owner = nullptr;
  to.release = nullptr;
}

void lend(ByteChain& bytes, PieceList& pieces, NimbusPieces& to) {
  if (bytes.size() < kShareFromBytes) return pieces.show(bytes, to);
  auto* shared = new Shared{std::move(bytes), {}};
  shared->pieces.show(shared->bytes, to);
  to.owner = shared;
  to.release = [](void* owner) { delete static_cast<Shared*>(owner); };
}

void BorrowedReply::hand(ByteChain&& bytes, NimbusPieces& to) {
  bytes_ = std::move(bytes);
  lend(bytes_, pieces_, to);
}

void BorrowedReply::show(ByteView bytes, NimbusPieces& to) {
  piece_ = toStr(bytes);
  to = {.pieces = &piece_, .count = 1, .owner = nullptr, .release = nullptr};
}

}  // namespace nimbus::engine
