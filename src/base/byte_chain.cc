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

ByteChain::ByteChain(ByteChain&& other) noexcept
    : size_(std::exchange(other.size_, 0)),
      pieces_(std::move(other.pieces_)),
      tail_(std::move(other.tail_)) {
  if (pieces_.empty() && tail_.empty())
    std::ranges::copy_n(other.inline_.begin(), size_, inline_.begin());
  other.pieces_.clear();
  other.tail_.clear();
}

ByteChain& ByteChain::operator=(ByteChain&& other) noexcept {
  if (this == &other) return *this;
  size_ = std::exchange(other.size_, 0);
  pieces_ = std::move(other.pieces_);
  tail_ = std::move(other.tail_);
  if (pieces_.empty() && tail_.empty())
    std::ranges::copy_n(other.inline_.begin(), size_, inline_.begin());
  other.pieces_.clear();
  other.tail_.clear();
  return *this;
}

void ByteChain::append(ByteView bytes) {
  if (bytes.empty()) return;
  if (pieces_.empty() && tail_.empty()) {
    if (size_ + bytes.size() <= kInlineBytes) {
      std::ranges::copy(bytes, inline_.begin() + static_cast<std::ptrdiff_t>(size_));
      size_ += bytes.size();
      return;
    }
    spill();
  }
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
}

void ByteChain::append(Bytes bytes) {
  if (bytes.size() < kShareBytes) return append(bytes.view());
  if (pieces_.empty() && tail_.empty() && size_ > 0) spill();
  sealTail();
  size_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

void ByteChain::append(ByteChain chain) {
  if (empty()) {
    *this = std::move(chain);
    return;
  }
  chain.sealTail();
  if (chain.pieces_.empty()) return append(ByteView(chain.inline_.data(), chain.size_));
  for (Bytes& piece : chain.pieces_) append(std::move(piece));
}

std::size_t ByteChain::pieceCount() const {
  if (pieces_.empty() && tail_.empty()) return size_ > 0 ? 1 : 0;
  return pieces_.size() + (tail_.empty() ? 0 : 1);
}

ByteView ByteChain::piece(std::size_t index) const {
  NIMBUS_CHECK(index < pieceCount());
  if (index < pieces_.size()) return pieces_[index].view();
  if (!tail_.empty()) return tail_;
  return {inline_.data(), size_};
}

Bytes ByteChain::sharePiece(std::size_t index) const {
  if (index < pieces_.size()) return pieces_[index];
  return Bytes::copyOf(piece(index));
}

Bytes ByteChain::sharePiece(std::size_t index, std::size_t offset, std::size_t count) const {
  if (index < pieces_.size()) return pieces_[index].slice(offset, count);
  return Bytes::copyOf(piece(index).subspan(offset, count));
}

ByteView ByteChain::flatten() {
  if (pieceCount() == 0) return {};
  if (pieceCount() > 1) {
    std::vector<std::uint8_t> all;
    all.reserve(size_);
    for (std::size_t i = 0; i < pieceCount(); ++i) {
      const ByteView from = piece(i);
      all.insert(all.end(), from.begin(), from.end());
    }
    pieces_.clear();
    tail_ = std::move(all);
  }
  return piece(0);
}

Bytes ByteChain::toBytes() const {
  if (pieceCount() == 0) return {};
  if (pieceCount() == 1) return sharePiece(0);
  std::vector<std::uint8_t> all;
  all.reserve(size_);
  for (std::size_t i = 0; i < pieceCount(); ++i) {
    const ByteView from = piece(i);
    all.insert(all.end(), from.begin(), from.end());
  }
  return takeVector(std::move(all));
}

ByteChain ByteChain::share() const {
  ByteChain copy;
  for (std::size_t i = 0; i < pieceCount(); ++i) {
    if (i < pieces_.size()) {
      copy.append(pieces_[i]);
    } else {
      copy.append(piece(i));
    }
  }
  return copy;
}

void ByteChain::spill() {
  tail_.reserve(4 * kInlineBytes);
  tail_.assign(inline_.begin(), inline_.begin() + static_cast<std::ptrdiff_t>(size_));
}

void ByteChain::sealTail() {
  if (tail_.empty()) return;
  pieces_.push_back(takeVector(std::exchange(tail_, {})));
}

}  // namespace nimbus
