#pragma once

#include <cstddef>
#include <memory>

#include "base/byte_chain.h"
#include "base/result.h"
#include "base/task.h"
#include "net/shard.h"
#include "wrpc/byte_budget.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// Limits of the sub-channels of one direction of one call.
struct ChannelLimits {
  std::size_t max_path_depth = 32;
  // Channels that are open or hold undelivered bytes, and as many dropped ones are remembered.
  std::size_t max_channels = 1024;
  // From here on the transport stops receiving, unless a reader waits for something else. Also the
  // most that a transport that can choose pushes at once.
  std::size_t read_ahead_bytes = 256 * 1024;
  // More than that is refused. The transport stops before that could happen.
  std::size_t max_undelivered_bytes = 4 * 1024 * 1024;
};

// What arrives for the sub-channels of one direction of one call, whoever the transport is. A
// channel comes into being by its first bytes or by being taken, whichever is first. The transport
// owns the table and pushes; readers take channels and pull, and may outlive the table (their
// channels then broke off). All on one shard.
//
// Nobody is resumed from within a call of the table or a reader: waiters continue at the end of the
// loop's turn, so that either side may destroy the other.
//
//   ChannelTable table(shard, limits);
//   values.arriving = table.source();
//   while (…) {
//     co_await table.room();
//     CO_TRY_VOID(table.push(path, bytes));
//   }
//   table.finish();
class ChannelTable {
 public:
  // What nobody has read yet counts in `budget` too, which other calls share; it may be null. While
  // it is used up, the transport stops receiving unless there is nothing undelivered here.
  ChannelTable(net::Shard& shard, const ChannelLimits& limits,
               std::shared_ptr<ByteBudget> budget = nullptr);
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;
  // Without finish() or fail() before, the channels broke off (kCancelled).
  ~ChannelTable();

  // Bytes for a channel: copied, or shared from kShareBytes on. What nobody will read is let go.
  // kProtocol: a path too deep, or a channel that has ended. kResourceExhausted: a limit of the
  // table or the budget; the call can then only be failed.
  [[nodiscard]] Result<void> push(const IndexPath& path, ByteView bytes);
  [[nodiscard]] Result<void> push(const IndexPath& path, Bytes bytes);
  // Nothing more comes for this channel, for transports that mark that. Again: ignored.
  [[nodiscard]] Result<void> end(const IndexPath& path);
  // Nothing more comes at all: the peer has finished properly, or it broke off. What has arrived is
  // still delivered. The first one counts.
  void finish();
  void fail(Error error);

  // Whether the transport should go on receiving: there is room for what arrives, or a reader
  // starves for want of something behind what is there.
  [[nodiscard]] bool wantsMore() const;
  // Suspends until wantsMore() or abandoned(). One waiter.
  [[nodiscard]] Task<void> room();
  // Whether no reader is left, so that what arrives concerns nobody.
  [[nodiscard]] bool abandoned() const;
  // Suspends until abandoned(). One waiter.
  [[nodiscard]] Task<void> untilAbandoned();
  [[nodiscard]] std::size_t undeliveredBytes() const;
  // Whether a reader waits for bytes.
  [[nodiscard]] bool starved() const;
  // Whether anything has arrived for a channel so far.
  [[nodiscard]] bool used() const;

  // The readers' side. take() as ChannelSource has it; source() is called once.
  [[nodiscard]] std::unique_ptr<ByteSource> take(const IndexPath& path);
  [[nodiscard]] std::unique_ptr<ChannelSource> source();

  class State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace nimbus::wrpc
