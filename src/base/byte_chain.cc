#include "base/byte_chain.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"

namespace nimbus {

namespace {

Bytes takeVector(std::vector<std::uint8_t> bytes) {
  auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  const ByteView view(*owner);
  return {view, std::move(owner)};
}

}  // namespace

void ByteChain::Pieces::add(Bytes piece) {
  if (count_ < kFew) {
    few_[count_] = std::move(piece);
  } else {
    more_.push_back(std::move(piece));
  }
  ++count_;
}

ByteChain::Rest& ByteChain::rest() {
  if (!rest_) rest_ = std::make_unique<Rest>();
  return *rest_;
}

void ByteChain::append(ByteView bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (!rest_) {
    if (inline_size_ + bytes.size() <= kInlineBytes) {
      std::ranges::copy(bytes, inline_.begin() + static_cast<std::ptrdiff_t>(inline_size_));
      inline_size_ += bytes.size();
      return;
    }
    // All that is small stays in one piece.
    std::vector<std::uint8_t>& tail = rest().tail;
    tail.reserve(std::max(4 * kInlineBytes, inline_size_ + bytes.size()));
    const ByteView before = inlineBytes();
    tail.assign(before.begin(), before.end());
    inline_size_ = 0;
  }
  rest_->tail.insert(rest_->tail.end(), bytes.begin(), bytes.end());
}

void ByteChain::append(Bytes bytes) {
  if (bytes.size() < kShareBytes) return append(bytes.view());
  sealTail();
  size_ += bytes.size();
  rest().pieces.add(std::move(bytes));
}

void ByteChain::append(ByteChain chain) {
  if (empty()) {
    *this = std::move(chain);
    return;
  }
  append(chain.inlineBytes());
  chain.sealTail();
  if (!chain.rest_) return;
  Pieces& pieces = chain.rest_->pieces;
  for (std::size_t i = 0; i < pieces.count(); ++i) append(std::move(pieces[i]));
}

std::size_t ByteChain::pieceCount() const {
  const std::size_t before = inline_size_ > 0 ? 1 : 0;
  if (!rest_) return before;
  return before + rest_->pieces.count() + (rest_->tail.empty() ? 0 : 1);
}

const Bytes* ByteChain::sharedPiece(std::size_t index) const {
  if (inline_size_ > 0 && index-- == 0) return nullptr;
  return rest_ && index < rest_->pieces.count() ? &rest_->pieces[index] : nullptr;
}

ByteView ByteChain::piece(std::size_t index) const {
  NIMBUS_CHECK(index < pieceCount());
  if (index == 0 && inline_size_ > 0) return inlineBytes();
  const Bytes* shared = sharedPiece(index);
  return shared != nullptr ? shared->view() : ByteView(rest_->tail);
}

Bytes ByteChain::sharePiece(std::size_t index) const {
  const Bytes* shared = sharedPiece(index);
  return shared != nullptr ? *shared : Bytes::copyOf(piece(index));
}

Bytes ByteChain::sharePiece(std::size_t index, std::size_t offset, std::size_t count) const {
  const Bytes* shared = sharedPiece(index);
  if (shared != nullptr) return shared->slice(offset, count);
  return Bytes::copyOf(piece(index).subspan(offset, count));
}

std::vector<std::uint8_t> ByteChain::gather() const {
  std::vector<std::uint8_t> all;
  all.reserve(size_);
  for (std::size_t i = 0; i < pieceCount(); ++i) {
    const ByteView from = piece(i);
    all.insert(all.end(), from.begin(), from.end());
  }
  return all;
}

ByteView ByteChain::flatten() {
  if (pieceCount() == 0) return {};
  if (pieceCount() > 1) {
    *rest_ = Rest{.pieces = {}, .tail = gather()};
    inline_size_ = 0;
  }
  return piece(0);
}

Bytes ByteChain::toBytes() const {
  if (pieceCount() == 0) return {};
  if (pieceCount() == 1) return sharePiece(0);
  return takeVector(gather());
}

ByteChain ByteChain::share() const {
  ByteChain copy;
  for (std::size_t i = 0; i < pieceCount(); ++i) {
    if (const Bytes* shared = sharedPiece(i)) {
      copy.append(*shared);
    } else {
      copy.append(piece(i));
    }
  }
  return copy;
}

void ByteChain::sealTail() {
  if (!rest_ || rest_->tail.empty()) return;
  rest_->pieces.add(takeVector(std::exchange(rest_->tail, {})));
}

}  // namespace nimbus
