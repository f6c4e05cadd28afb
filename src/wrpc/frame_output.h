#pragma once

#include <span>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/stream.h"
#include "wrpc/channel_pumps.h"
#include "wrpc/frame.h"

namespace nimbus::wrpc {

// The sending direction of one framed connection. Frames may be written by several tasks: each
// waits for its turn. A task that is destroyed within a write leaves half a frame behind: the
// stream can then only be closed.
//
// Every piece of data becomes one frame, so that a peer that wants each value whole finds it so,
// except data beyond what a frame can hold. Small frames go out in one write, large ones without
// copying.
class FrameOutput final : public ChannelOutput {
 public:
  explicit FrameOutput(net::Stream& stream) : stream_(stream) {}

  // The first frame of a client, behind its header; of a server, with an empty one. Written also if
  // it is empty, as no other frame is.
  [[nodiscard]] Task<Result<void>> begin(std::vector<std::uint8_t> header, ByteChain root);
  [[nodiscard]] Task<Result<void>> write(IndexPath path, ByteChain data) override;
  // The end of a sub-channel has no mark in this dialect.
  [[nodiscard]] Result<void> end(const IndexPath& /*path*/) override { return {}; }
  // Nothing more comes.
  [[nodiscard]] Task<Result<void>> finish() { return stream_.shutdownWrite(); }

  // Whether a write waits for the peer.
  [[nodiscard]] bool busy() const { return busy_; }
  // Bytes that the stream has taken so far.
  [[nodiscard]] std::uint64_t writtenBytes() const { return written_bytes_; }

 private:
  class Turn;
  void append(const IndexPath& path, const ByteChain& data, std::size_t offset, std::size_t count);
  [[nodiscard]] Task<Result<void>> flush();

  net::Stream& stream_;
  bool busy_ = false;
  Event free_;
  std::uint64_t written_bytes_ = 0;
  // What the next flush() sends: heads and small data in one piece, then large pieces.
  std::vector<std::uint8_t> gathered_;
  std::vector<ByteView> pieces_;
};

}  // namespace nimbus::wrpc
