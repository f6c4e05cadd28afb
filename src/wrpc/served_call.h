#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/sync.h"
#include "net/shard.h"
#include "net/stream.h"
#include "wrpc/channel_pumps.h"
#include "wrpc/frame_input.h"
#include "wrpc/frame_output.h"
#include "wrpc/framed_server.h"

namespace nimbus::wrpc {

// What the calls of one server share. Outlives them.
struct ServedCallEnvironment {
  net::Shard& shard;
  Invoker& invoker;
  Session& session;
  const Consumer& consumer;
  const FramedServerOptions& options;
  const std::shared_ptr<ByteBudget>& budget;
};

// One call over one connection, on the server's side. Internal to framed_server.cc. Lives in the
// frame of the task that runs it.
class ServedCall final : private net::Deferred {
 public:
  ServedCall(const ServedCallEnvironment& environment, std::unique_ptr<net::Stream> stream);

  // From the header to the end. What is returned as failed looks to the peer like an early end.
  [[nodiscard]] Task<Result<void>> run();
  // "instance/function", once that is known.
  [[nodiscard]] const std::string& functionName() const [[clang::lifetimebound]] { return name_; }

 private:
  [[nodiscard]] Task<Result<Values>> call();
  [[nodiscard]] Task<Result<void>> finish();
  [[nodiscard]] Task<Result<Values>> await(Eventual<Result<Values>> results);
  [[nodiscard]] Task<void> collect(Eventual<Result<Values>> results);
  [[nodiscard]] Task<Result<void>> answer(Values results);
  [[nodiscard]] Task<void> send(Values results);
  [[nodiscard]] Task<void> watchPeer();
  [[nodiscard]] Task<void> linger();
  void startWatching();

  void limit(Duration allowed, std::string_view what);
  void expire();
  void watchProgress();
  void breakOff(Error error);
  void runDeferred() override { news_.set(); }

  const ServedCallEnvironment& environment_;
  std::unique_ptr<net::Stream> stream_;
  ChannelTable channels_;
  FrameInput input_;
  FrameOutput output_;
  std::string name_;
  CallContext context_;

  net::Timer timer_;
  std::string_view waiting_for_;  // what the timer limits; empty: progress
  std::uint64_t progress_ = 0;    // bytes both ways when the timer was set
  std::optional<Error> failure_;  // why this side, or the peer, gave up

  Event news_;  // level: one of those that follow has changed
  std::optional<Result<Values>> results_;
  bool sent_ = false;
  Result<void> sending_;
  bool watching_ = false;
  bool finishing_ = false;  // all results are sent
  bool root_only_ = false;  // by its types the call has no streams among its parameters
  ChannelPumps pumps_;
  // Last, so that they go first: they use everything else.
  TaskSet working_;
  TaskSet watch_;
};

}  // namespace nimbus::wrpc
