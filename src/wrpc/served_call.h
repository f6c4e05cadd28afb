#pragma once

#include <memory>
#include <string>

#include "base/sync.h"
#include "net/shard.h"
#include "net/stream.h"
#include "wrpc/channel_pumps.h"
#include "wrpc/frame_input.h"
#include "wrpc/frame_output.h"
#include "wrpc/framed_server.h"
#include "wrpc/served_wait.h"

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
class ServedCall final : private ServedWait::Peer {
 public:
  ServedCall(const ServedCallEnvironment& environment, std::unique_ptr<net::Stream> stream);

  // From the header to the end. What is returned as failed looks to the peer like an early end.
  [[nodiscard]] Task<Result<void>> run();
  // "instance/function", once that is known.
  [[nodiscard]] const std::string& functionName() const [[clang::lifetimebound]] { return name_; }

 private:
  [[nodiscard]] Task<Result<Values>> call();
  [[nodiscard]] Task<Result<void>> finish();
  [[nodiscard]] Task<Result<void>> answer(Values results);
  [[nodiscard]] Task<void> watchPeer();
  [[nodiscard]] Task<void> linger();
  void startWatching();

  [[nodiscard]] std::uint64_t progress() const override {
    return input_.receivedBytes() + output_.writtenBytes();
  }
  [[nodiscard]] bool owesProgress() const override { return output_.busy() || channels_.starved(); }
  void abandon(const Error& /*reason*/) override { stream_->reset(); }

  const ServedCallEnvironment& environment_;
  std::unique_ptr<net::Stream> stream_;
  ChannelTable channels_;
  FrameInput input_;
  FrameOutput output_;
  std::string name_;
  CallContext context_;

  bool watching_ = false;
  bool finishing_ = false;  // all results are sent
  bool root_only_ = false;  // by its types the call has no streams among its parameters
  ChannelPumps pumps_;
  // Last, so that they go first: they use everything else.
  ServedWait wait_;
  TaskSet watch_;
};

}  // namespace nimbus::wrpc
