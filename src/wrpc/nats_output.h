#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/eventual.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "wrpc/channel_pumps.h"
#include "wrpc/invoker.h"
#include "wrpc/nats_chunks.h"

namespace nimbus::wrpc {

// Sends one direction of a call: its root channel is `root`, its sub-channels stand below. Waits
// while too much is unsent, which is all the flow control that core NATS has. Destroying it lets go
// of the sub-channels.
class NatsOutput final : private ChannelOutput {
 public:
  NatsOutput(net::Shard& shard, nats::Connection& connection)
      : shard_(shard), connection_(connection), pumps_(shard, *this) {}

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
                                                std::unique_ptr<ChannelSource> arriving) {
    return pumps_.run(std::move(channels), std::move(arriving));
  }

  // Goes up with every message.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }

 private:
  [[nodiscard]] Task<Result<void>> write(IndexPath path, ByteChain data) override;
  [[nodiscard]] Result<void> end(const IndexPath& path) override;
  [[nodiscard]] Task<Result<void>> send(std::string subject, NatsChunks chunks);
  [[nodiscard]] bool full() const;

  net::Shard& shard_;
  nats::Connection& connection_;
  std::string root_;
  std::uint64_t progress_ = 0;
  ChannelPumps pumps_;
};

}  // namespace nimbus::wrpc
