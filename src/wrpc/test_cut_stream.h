#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "net/stream.h"

namespace nimbus::wrpc {

// A connection for tests that gives these bytes, so many for each read, and then their end.
class CutStream final : public net::Stream {
 public:
  CutStream(ByteView bytes, std::size_t piece_bytes) : bytes_(bytes), piece_bytes_(piece_bytes) {}

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min({into.size(), piece_bytes_, bytes_.size()});
    std::ranges::copy(bytes_.first(count), into.begin());
    bytes_ = bytes_.subspan(count);
    co_return count;
  }
  Task<Result<void>> readable() override { co_return Result<void>(); }
  Result<std::size_t> tryWrite(ByteView bytes) override { return bytes.size(); }
  Task<Result<void>> writable() override { co_return Result<void>(); }
  Task<Result<void>> shutdownWrite() override { co_return Result<void>(); }
  void close() override {}
  [[nodiscard]] const net::PeerInfo& peer() const override { return peer_; }

  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  ByteView bytes_;
  const std::size_t piece_bytes_;
  const net::PeerInfo peer_{};
};

}  // namespace nimbus::wrpc
