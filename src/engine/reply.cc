#include "engine/reply.h"

#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Sharing costs two allocations; below this a copy is cheaper.
constexpr std::size_t kShareFromBytes = 4096;

void listPieces(const ByteChain& bytes, std::vector<NimbusStr>& pieces) {
  pieces.clear();
  const std::size_t count = bytes.pieceCount();
  for (std::size_t i = 0; i < count; ++i) pieces.push_back(toStr(bytes.piece(i)));
}

struct Shared {
  ByteChain bytes;
  std::vector<NimbusStr> pieces;
};

}  // namespace

NimbusPieces BorrowedReply::hand(ByteChain&& bytes) {
  if (bytes.size() < kShareFromBytes) {
    bytes_ = std::move(bytes);
    listPieces(bytes_, pieces_);
    return {pieces_.data(), pieces_.size(), nullptr, nullptr};
  }
  auto* shared = new Shared{std::move(bytes), {}};
  listPieces(shared->bytes, shared->pieces);
  return {shared->pieces.data(), shared->pieces.size(), shared,
          [](void* owner) { delete static_cast<Shared*>(owner); }};
}

}  // namespace nimbus::engine
