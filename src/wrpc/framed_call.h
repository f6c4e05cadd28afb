#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/sync.h"
#include "net/shard.h"
#include "net/socket.h"
#include "wrpc/channel_pumps.h"
#include "wrpc/frame_input.h"
#include "wrpc/frame_output.h"
#include "wrpc/framed_client.h"
#include "wrpc/name_table.h"

namespace nimbus::wrpc {

// Who is called, for all calls of one Invoker.
struct FramedTarget {
  ProviderAddress address;
  std::string text;  // the address, for messages
  FramedClientOptions options;
  NameTable names;
  std::shared_ptr<ByteBudget> budget;
};

// One call over one connection, on the client's side. Internal to framed_client.cc.
//
// The coroutine of run() has it until the root of the results is there; then the tasks that still
// send and receive do, if there are any. The session knows its calls and ends them.
class FramedCall final : public std::enable_shared_from_this<FramedCall>, private net::Deferred {
 public:
  using Registry = std::unordered_set<FramedCall*>;

  FramedCall(net::Shard& shard, std::shared_ptr<const FramedTarget> target, Registry& registry);
  ~FramedCall() override;

  // First: counts the parameters in the target's budget until they are sent. False: too many bytes.
  [[nodiscard]] bool hold(const Values& params) { return unsent_.hold(params.bytes.size()); }
  [[nodiscard]] static Task<Result<Values>> run(std::shared_ptr<FramedCall> call,
                                                std::optional<TimePoint> deadline,
                                                const TupleShape* results, FunctionId function,
                                                Values params);
  // The session has gone: cancels everything, and forgets the registry.
  void end();

 private:
  // What exists once there is a connection.
  struct Connection {
    Connection(net::Shard& shard, std::unique_ptr<net::Stream> stream, const FramedTarget& target);
    std::unique_ptr<net::Stream> stream;
    ChannelTable channels;
    FrameInput input;
    FrameOutput output;
    ChannelPumps pumps;
  };

  [[nodiscard]] static Task<Result<std::unique_ptr<net::Stream>>> connectTo(
      net::Shard& shard, std::shared_ptr<const FramedTarget> target);
  [[nodiscard]] static Task<void> connect(std::shared_ptr<FramedCall> call);
  [[nodiscard]] static Task<void> sendParameters(std::shared_ptr<FramedCall> call, Values params);
  [[nodiscard]] static Task<void> receiveRest(std::shared_ptr<FramedCall> call);
  [[nodiscard]] static Task<void> watchReaders(std::shared_ptr<FramedCall> call);
  [[nodiscard]] Task<Result<ByteChain>> exchange(const TupleShape* results, FunctionId function,
                                                 Values params);
  [[nodiscard]] Values finish(ByteChain root, const TupleShape* results);

  void expire();
  void breakOff(Error error);
  void runDeferred() override { connected_.set(); }
  // Says which call failed, here and to the client's owner.
  [[nodiscard]] Error report(Error error, FunctionId function) const;

  net::Shard& shard_;
  const std::shared_ptr<const FramedTarget> target_;
  Registry* registry_;
  ByteBudget::Share unsent_;  // for the parameters, without streams
  net::Timer deadline_;
  std::optional<Error> failure_;  // why this side gave up
  Event connected_;
  std::optional<Result<std::unique_ptr<net::Stream>>> connecting_;
  std::optional<Connection> connection_;
  Event all_sent_;
  // Tasks that share this object, so that the last of them may end it. The watch stands alone,
  // because the receiver ends it.
  TaskSet tasks_;
  TaskSet watch_;
};

}  // namespace nimbus::wrpc
