#pragma once

#include <cstddef>
#include <memory>

#include "base/eventual.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/component_invoker.h"
#include "host/calls/session_caller.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// One session with a component, and so one instance of it, for all who call it: what it remembers
// is the same for each of them. A call that has begun goes on to its end, by the session's own
// limits, also if its caller is gone; resources are their caller's, and go with it. On one shard.
class SharedInstance final : net::Deferred {
 public:
  SharedInstance(net::Shard& shard, std::unique_ptr<engine::ExchangeSession> session)
      : shard_(shard), session_(std::move(session)) {
    unused_.set();
  }
  SharedInstance(const SharedInstance&) = delete;
  SharedInstance& operator=(const SharedInstance&) = delete;
  // What is under way fails.
  ~SharedInstance() override = default;

  using Caller = SessionCaller;
  [[nodiscard]] std::shared_ptr<Caller> join();
  void leave(Caller& caller);

  // As those of a wrpc::Session, but for the caller's deadline, which is the caller's alone.
  [[nodiscard]] Eventual<Result<wrpc::Values>> invoke(const std::shared_ptr<Caller>& caller,
                                                      const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params);
  void drop(ByteView handle) { session_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const { return session_->owns(handle); }
  [[nodiscard]] bool inUse() const { return session_->inUse(); }

  // Set while nobody calls and no call is under way. Whoever waits for it may end this.
  [[nodiscard]] Event& unused() { return unused_; }

 private:
  [[nodiscard]] Task<Result<wrpc::Values>> finish(std::shared_ptr<Caller> caller,
                                                  Task<Result<wrpc::Values>> call);
  void runDeferred() override;

  net::Shard& shard_;
  const std::unique_ptr<engine::ExchangeSession> session_;
  Event unused_;
  SessionCallers numbers_;
  std::size_t callers_ = 0;
  std::size_t calls_ = 0;  // that had to wait
  TaskSet tasks_;          // goes first
};

}  // namespace nimbus::host
