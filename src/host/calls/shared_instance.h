#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/eventual.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/component_invoker.h"
#include "host/calls/session_caller.h"
#include "host/workload/permits.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// One session with a component, and so one instance of it, for all who call it: what it remembers
// is the same for each of them. Calls wait for their turn here, as long as their callers do; one
// that has begun goes on to its end, by the session's own limits, also if its caller is gone.
// Resources are their caller's, and go with it. On one shard.
class SharedInstance final : net::Deferred {
 public:
  // `overlapping`: calls at once.
  SharedInstance(net::Shard& shard, std::unique_ptr<engine::ExchangeSession> session,
                 std::size_t overlapping)
      : shard_(shard),
        session_(std::move(session)),
        turns_(std::make_shared<Turns>(shard, overlapping)) {
    unused_.set();
  }
  SharedInstance(const SharedInstance&) = delete;
  SharedInstance& operator=(const SharedInstance&) = delete;
  // What is under way fails.
  ~SharedInstance() override { turns_->ended = true; }

  // One of those who call.
  using Caller = SessionCaller;
  [[nodiscard]] std::shared_ptr<Caller> join();
  void leave(Caller& caller);

  static constexpr std::size_t kMostWaiting = 256;
  // As those of a wrpc::Session, but for the caller's deadline, which is the caller's alone.
  // kResourceExhausted: so many wait for their turn already.
  [[nodiscard]] Eventual<Result<wrpc::Values>> invoke(const std::shared_ptr<Caller>& caller,
                                                      const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params);
  void drop(ByteView handle) { session_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const { return session_->owns(handle); }
  [[nodiscard]] bool inUse() const { return session_->inUse() || turns_->permits.waiting() > 0; }

  // Set while nobody calls and no call is under way. Whoever waits for it may end this.
  [[nodiscard]] Event& unused() { return unused_; }

 private:
  // Who waits for a turn may outlive the instance.
  struct Turns {
    Turns(net::Shard& shard, std::size_t overlapping) : permits(shard, overlapping) {}
    Permits permits;
    bool ended = false;
  };

  [[nodiscard]] Task<Result<wrpc::Values>> invokeInTurn(std::shared_ptr<Turns> turns,
                                                        std::shared_ptr<Caller> caller,
                                                        const wrpc::CallContext& context,
                                                        wrpc::FunctionId function,
                                                        wrpc::Values params);
  [[nodiscard]] Eventual<Result<wrpc::Values>> begin(Permit turn,
                                                     const std::shared_ptr<Caller>& caller,
                                                     const wrpc::CallContext& context,
                                                     wrpc::FunctionId function,
                                                     wrpc::Values params);
  [[nodiscard]] Task<Result<wrpc::Values>> finish(Permit turn, std::shared_ptr<Caller> caller,
                                                  Task<Result<wrpc::Values>> call);
  void runDeferred() override;

  net::Shard& shard_;
  const std::unique_ptr<engine::ExchangeSession> session_;
  const std::shared_ptr<Turns> turns_;
  Event unused_;
  SessionCallers numbers_;
  std::size_t callers_ = 0;
  std::size_t calls_ = 0;  // that had to wait for the guest
  TaskSet tasks_;          // goes first
};

}  // namespace nimbus::host
