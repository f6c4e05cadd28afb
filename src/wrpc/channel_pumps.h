#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"
#include "wrpc/frame_output.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// Sends what the sub-channels of some values deliver, each at its own pace, until all have ended.
// Destroying it lets go of them.
class ChannelPumps final : private net::Deferred {
 public:
  ChannelPumps(net::Shard& shard, FrameOutput& output) : shard_(shard), output_(output) {}

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
  FrameOutput& output_;
  std::optional<Error> failure_;
  bool source_failed_ = false;
  TaskSet pumps_;
};

}  // namespace nimbus::wrpc
