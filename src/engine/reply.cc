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

NimbusPieces PieceList::of(const ByteChain& bytes) {
  const std::size_t count = bytes.pieceCount();
  NimbusStr* pieces = few_.data();
  if (count > few_.size()) {
    many_.resize(count);
    pieces = many_.data();
  }
  for (std::size_t i = 0; i < count; ++i) pieces[i] = toStr(bytes.piece(i));
  return {pieces, count, nullptr, nullptr};
}

NimbusPieces BorrowedReply::hand(ByteChain&& bytes) {
  if (bytes.size() < kShareFromBytes) {
    bytes_ = std::move(bytes);
    return pieces_.of(bytes_);
  }
  auto* shared = new Shared{std::move(bytes), {}};
  NimbusPieces pieces = shared->pieces.of(shared->bytes);
  pieces.owner = shared;
  pieces.release = [](void* owner) { delete static_cast<Shared*>(owner); };
  return pieces;
}

}  // namespace nimbus::engine
