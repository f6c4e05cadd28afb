#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// The sending direction of a call, for its sub-channels.
class ChannelOutput {
 public:
  ChannelOutput() = default;
  ChannelOutput(const ChannelOutput&) = delete;
  ChannelOutput& operator=(const ChannelOutput&) = delete;

  // Bytes of a sub-channel, once there is room for them.
  [[nodiscard]] virtual Task<Result<void>> write(IndexPath path, ByteChain data) = 0;
  // Nothing more follows for it, also because its source failed: a value that is cut off shows as
  // such by its own encoding.
  [[nodiscard]] virtual Result<void> end(const IndexPath& path) = 0;

 protected:
  ~ChannelOutput() = default;
};

// Sends what the sub-channels of some values deliver, each at its own pace and each with its end,
// until all have ended. Destroying it lets go of them.
class ChannelPumps final : private net::Deferred {
 public:
  ChannelPumps(net::Shard& shard, ChannelOutput& output) : shard_(shard), output_(output) {}

  // The channels of some values and those that arrive with them; once. Returns when all have ended,
  // or soon after a source failed or the peer takes nothing any more, with that error; the others
  // are let go then.
  [[nodiscard]] Task<Result<void>> run(std::vector<Channel> channels,
                                       std::unique_ptr<ChannelSource> arriving);
  // Whether it was a source that failed.
  [[nodiscard]] bool sourceFailed() const { return source_failed_; }

 private:
  enum class Culprit : std::uint8_t { kSource, kPeer };
  [[nodiscard]] Task<void> pump(Channel channel);
  [[nodiscard]] Task<void> follow(std::unique_ptr<ChannelSource> arriving);
  void failed(Culprit culprit, Error error);
  void runDeferred() override { pumps_.cancelAll(); }

  net::Shard& shard_;
  ChannelOutput& output_;
  std::optional<Error> failure_;
  bool source_failed_ = false;
  TaskSet pumps_;
};

}  // namespace nimbus::wrpc
