#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/eventual.h"
#include "base/sync.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "wrpc/invoker.h"
#include "wrpc/nats_chunks.h"

namespace nimbus::wrpc {

// Sends one direction of a call: its root channel is `root`, its sub-channels stand below. Waits
// while too much is unsent, which is all the flow control that core NATS has. Destroying it lets go
// of the sub-channels.
class NatsOutput final : private net::Deferred {
 public:
  NatsOutput(net::Shard& shard, nats::Connection& connection)
      : shard_(shard), connection_(connection) {}

  // Once, before the others.
  void setRoot(std::string root) { root_ = std::move(root); }

  // Bytes of the root channel.
  [[nodiscard]] Eventual<Result<void>> sendRoot(NatsChunks chunks);
  [[nodiscard]] Result<void> endRoot() { return connection_.publish(root_, {}); }
  [[nodiscard]] Result<void> endRoot(const nats::Connection::Headers& headers) {
    return connection_.publish(root_, {}, headers, {});
  }

  // Sends these sub-channels and those that arrive, each at its own pace and each with its end;
  // once. Returns when all have ended, or soon after one failed, with that error.
  [[nodiscard]] Task<Result<void>> sendChannels(std::vector<Channel> channels,
                                                std::unique_ptr<ChannelSource> arriving);

  // Goes up with every message.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }

 private:
  [[nodiscard]] Task<Result<void>> send(std::string subject, NatsChunks chunks);
  [[nodiscard]] Task<void> pump(Channel channel);
  [[nodiscard]] Task<void> follow(std::unique_ptr<ChannelSource> arriving);
  void failed(Error error);
  void runDeferred() override { pumps_.cancelAll(); }
  [[nodiscard]] bool full() const;

  net::Shard& shard_;
  nats::Connection& connection_;
  std::string root_;
  std::uint64_t progress_ = 0;
  std::optional<Error> failure_;
  TaskSet pumps_;
};

}  // namespace nimbus::wrpc
