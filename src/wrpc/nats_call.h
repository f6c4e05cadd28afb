#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "base/sync.h"
#include "nats/reply_slots.h"
#include "net/shard.h"
#include "wrpc/channel_table.h"
#include "wrpc/name_table.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_output.h"
#include "wrpc/nats_root.h"

namespace nimbus::wrpc {

// Who is called, for all calls of one Invoker.
struct NatsTarget {
  NatsClientOptions options;
  NameTable names;
  std::shared_ptr<ByteBudget> budget;
};

// One call in the NATS dialect, on the client's side. Internal to nats_client.cc.
//
// The coroutine of run() has it until the root of the results is there; then the tasks that still
// send or watch do, if there are any. The session knows its calls and ends them.
class NatsCall final : public std::enable_shared_from_this<NatsCall>,
                       private nats::ReplySlots::Receiver,
                       private net::Deferred {
 public:
  using Registry = std::unordered_set<NatsCall*>;

  NatsCall(std::shared_ptr<nats::ReplySlots> slots, std::shared_ptr<const NatsTarget> target,
           const TupleShape* results, Registry& registry);
  ~NatsCall() override;

  // First: counts the parameters in the target's budget until they are sent. False: too many bytes.
  [[nodiscard]] bool hold(const Values& params) { return unsent_.hold(params.bytes.size()); }
  // Destroying it cancels the call.
  [[nodiscard]] static Task<Result<Values>> run(
      std::shared_ptr<NatsCall> call, TimePoint deadline,
      std::shared_ptr<const nats::Connection::Headers> headers, FunctionId function, Values params);
  // The session has gone: cancels everything, and forgets the registry.
  void end();

 private:
  [[nodiscard]] Result<void> invoke(const nats::Connection::Headers& headers, FunctionId function,
                                    Values params);
  [[nodiscard]] Values takeResults();
  [[nodiscard]] bool mayHaveChannels() const;
  [[nodiscard]] bool mayBeBrief(std::size_t room_bytes) const;
  void finishIfAllEnded();

  // What arrives.
  void received(std::string_view below, nats::Message message) override;
  void noResponders() override;
  void lost(Error why) override { breakOff(std::move(why)); }
  [[nodiscard]] Result<void> accept(std::string_view below, nats::Message message);
  [[nodiscard]] Result<void> acceptHandshake(const nats::Message& message);
  [[nodiscard]] Result<void> acceptRoot(nats::Message message);
  [[nodiscard]] Result<void> acceptChannel(const IndexPath& path, nats::Message message);

  [[nodiscard]] static Task<void> sendParameters(std::shared_ptr<NatsCall> call);
  [[nodiscard]] static Task<void> watchReaders(std::shared_ptr<NatsCall> call);

  void releaseSlot();
  void breakOff(Error error);
  void watchProgress();
  void expire();
  void runDeferred() override;
  [[nodiscard]] ChannelTable& channels();
  // Says which call failed, here and to the client's owner.
  [[nodiscard]] Error report(Error error, FunctionId function) const;

  std::shared_ptr<nats::ReplySlots> slots_;
  std::shared_ptr<const NatsTarget> target_;
  Registry* registry_;
  std::optional<nats::ReplySlots::Slot> slot_;

  ByteBudget::Share unsent_;  // for the parameters, without streams
  ByteBudget::Share held_;    // for the root of the results

  // Parameters that wait for the handshake.
  NatsChunks rest_;
  std::vector<Channel> parameter_channels_;
  std::unique_ptr<ChannelSource> parameter_source_;
  NatsOutput output_;
  bool shaken_ = false;
  bool brief_ = false;

  const TupleShape* results_;
  NatsRoot root_;
  std::optional<ChannelTable> channels_;
  std::set<IndexPath> open_channels_;  // that began and have not ended, if types are unknown
  bool returned_ = false;              // the root is the caller's
  std::uint64_t arrived_ = 0;          // messages
  std::uint64_t progress_ = 0;         // when the timer was set

  net::Timer timer_;
  std::optional<Error> failure_;
  Event news_;
  TaskSet tasks_;
};

}  // namespace nimbus::wrpc
