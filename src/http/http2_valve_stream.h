#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "http/http2_test_peer.h"
#include "net/stream.h"

namespace nimbus::http {

// A transport in the hands of a test: it says what comes in, and how much goes out. Everything
// happens on the test's shard, so that nothing depends on the buffers of a socket.
class ValveStream final : public net::Stream {
 public:
  // Comes in as one read.
  void feed(std::string_view bytes) {
    incoming_ += bytes;
    came_.set();
  }
  // So much is taken, and then nothing until the next call.
  void letOut(std::size_t byte_count) {
    room_ = byte_count;
    if (room_ > 0) may_write_.set();
  }

  // After each write that it does not take whole, so many times, there is room for as much more:
  // the system does not tell of it.
  void makeRoomLater(std::size_t byte_count, std::size_t times) {
    later_room_ = byte_count;
    later_times_ = times;
  }

  [[nodiscard]] std::size_t writtenBytes() const { return written_.size(); }
  [[nodiscard]] bool closed() const { return closed_; }

  // The complete frames among what was written.
  [[nodiscard]] std::vector<TestFrame> frames() const {
    static constexpr std::size_t kHeadBytes = 9;
    std::vector<TestFrame> frames;
    std::string_view rest = written_;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(rest[at]); };
    while (rest.size() >= kHeadBytes) {
      const std::size_t size = std::size_t{byte(0)} << 16 | byte(1) << 8 | byte(2);
      if (rest.size() < kHeadBytes + size) break;
      TestFrame& frame = frames.emplace_back();
      frame.type = byte(3);
      frame.flags = byte(4);
      frame.stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      frame.payload = rest.substr(kHeadBytes, size);
      rest.remove_prefix(kHeadBytes + size);
    }
    return frames;
  }

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    co_await cameOrEnded();
    const std::size_t count = std::min(into.size(), incoming_.size());
    std::copy_n(incoming_.begin(), count, into.begin());
    incoming_.erase(0, count);
    co_return count;
  }
  Task<Result<void>> readable() override {
    co_await cameOrEnded();
    co_return Result<void>();
  }
  Result<std::size_t> tryWrite(ByteView bytes) override {
    const std::size_t count = std::min(room_, bytes.size());
    written_ += asText(bytes.first(count));
    room_ -= count;
    if (count < bytes.size() && later_times_ > 0) {
      later_times_ -= 1;
      room_ = later_room_;
    }
    return count;
  }
  Task<Result<void>> writable() override {
    may_write_.clear();
    co_await may_write_.wait();
    co_return Result<void>();
  }
  Task<Result<void>> shutdownWrite() override { co_return Result<void>(); }
  void close() override {
    closed_ = true;
    came_.set();
    may_write_.set();
  }
  const net::PeerInfo& peer() const override { return peer_; }

 private:
  Task<void> cameOrEnded() {
    while (incoming_.empty() && !closed_) {
      came_.clear();
      co_await came_.wait();
    }
  }

  std::string incoming_;
  std::string written_;
  std::size_t room_ = SIZE_MAX;
  std::size_t later_room_ = 0;
  std::size_t later_times_ = 0;
  bool closed_ = false;
  Event came_;
  Event may_write_;
  net::PeerInfo peer_;
};

}  // namespace nimbus::http
