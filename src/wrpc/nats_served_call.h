#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "net/shard.h"
#include "wrpc/channel_table.h"
#include "wrpc/nats_output.h"
#include "wrpc/nats_root.h"
#include "wrpc/nats_server.h"
#include "wrpc/nats_sessions.h"
#include "wrpc/served_wait.h"

namespace nimbus::wrpc {

// What the calls of one server share. Outlives them.
struct NatsServedEnvironment {
  net::Shard& shard;
  nats::Connection& connection;
  const NatsServerOptions& options;
  NatsSessions& sessions;
  const std::shared_ptr<ByteBudget>& budget;
};

struct NatsServedFunction {
  FunctionId id;
  std::string name;  // "instance/function", for the log
  std::shared_ptr<const TupleShape> parameters;
};

// One call in the NATS dialect, on the server's side. Internal to nats_server.cc. Lives in the
// frame of the task that runs it.
class NatsServedCall final : private ServedWait::Peer {
 public:
  // `base`: the call's own subject, below which parameters arrive.
  NatsServedCall(const NatsServedEnvironment& environment, const NatsServedFunction& function,
                 std::string base, const nats::Message& invocation);
  ~NatsServedCall();

  // From the invocation to the last message of the results.
  [[nodiscard]] Task<Result<void>> run(nats::Message invocation);
  // What arrives behind base().
  void received(std::string_view below, nats::Message message);

 private:
  [[nodiscard]] Task<Result<Values>> call(nats::Message invocation);
  [[nodiscard]] Result<void> begin(nats::Message invocation);
  [[nodiscard]] Result<void> shakeHands() {
    return environment_.connection.publish(reply_, base_, {});
  }
  [[nodiscard]] Task<Result<void>> answer(Values results);

  [[nodiscard]] Result<void> acceptRoot(nats::Message message);
  [[nodiscard]] Result<void> acceptChannel(const IndexPath& path, nats::Message message);
  void finishIfAllEnded();
  [[nodiscard]] std::uint64_t progress() const override { return arrived_ + output_.progress(); }
  [[nodiscard]] bool owesProgress() const override { return true; }
  void abandon(const Error& reason) override {
    if (channels_) channels_->fail(reason);
  }
  [[nodiscard]] ChannelTable& channels();

  const NatsServedEnvironment& environment_;
  const NatsServedFunction& function_;
  const std::string base_;
  const std::string reply_;
  const bool brief_;  // the client needs no handshake, nor an end of what tells its own
  const std::string trace_parent_;
  NatsSessions::Entry& consumer_;

  NatsRoot root_;
  ByteBudget::Share held_;  // for the root
  std::optional<ChannelTable> channels_;
  std::set<IndexPath> open_channels_;
  std::uint64_t arrived_ = 0;
  NatsOutput output_;
  CallContext context_;

  bool called_ = false;
  bool ended_ = false;
  bool needs_end_ = true;
  ServedWait wait_;  // last, so that it goes first: it uses everything else
};

}  // namespace nimbus::wrpc
