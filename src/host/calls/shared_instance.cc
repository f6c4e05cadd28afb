#include "host/calls/shared_instance.h"

#include <optional>
#include <utility>

#include "host/calls/detached_call.h"

namespace nimbus::host {

std::shared_ptr<SessionCaller> SharedInstance::join() {
  unused_.clear();
  ++callers_;
  return numbers_.join();
}

void SharedInstance::leave(Caller& caller) {
  caller.leave(*session_);
  --callers_;
  shard_.defer(*this);
}

Eventual<Result<wrpc::Values>> SharedInstance::invoke(const std::shared_ptr<Caller>& caller,
                                                      const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params) {
  if (auto turn = turns_->permits.tryAcquire())
    return begin(*std::move(turn), caller, context, function, std::move(params));
  if (turns_->permits.waiting() >= kMostWaiting)
    return Result<wrpc::Values>(
        fail(ErrorCode::kResourceExhausted, "too many calls wait for the component"));
  return invokeInTurn(turns_, caller, context, function, std::move(params));
}

// The instance may be gone whenever this goes on, also at its begin.
Task<Result<wrpc::Values>> SharedInstance::invokeInTurn(std::shared_ptr<Turns> turns,
                                                        std::shared_ptr<Caller> caller,
                                                        const wrpc::CallContext& context,
                                                        wrpc::FunctionId function,
                                                        wrpc::Values params) {
  Permit turn;
  if (!turns->ended) turn = co_await turns->permits.acquire();
  if (turns->ended) co_return fail(ErrorCode::kUnavailable, "the component has ended");
  co_return co_await begin(std::move(turn), caller, context, function, std::move(params));
}

Eventual<Result<wrpc::Values>> SharedInstance::begin(Permit turn,
                                                     const std::shared_ptr<Caller>& caller,
                                                     const wrpc::CallContext& context,
                                                     wrpc::FunctionId function,
                                                     wrpc::Values params) {
  // A call that is given up in the middle can end the instance, which is not one caller's to do.
  const wrpc::CallContext own{
      .consumer = context.consumer, .deadline = std::nullopt, .trace_parent = context.trace_parent};
  const std::uint64_t owner = caller->nextOwner();
  auto call = session_->invokeFor(owner, own, function, std::move(params));
  if (call.ready()) return call.take();
  ++calls_;
  const auto unwanted = [this, alive = std::weak_ptr(turns_), owner] {
    if (const auto turns = alive.lock(); turns && !turns->ended) session_->disown(owner, owner);
  };
  return detachCall(shard_, tasks_, finish(std::move(turn), caller, std::move(call).intoTask()),
                    unwanted);
}

Task<Result<wrpc::Values>> SharedInstance::finish(Permit turn, std::shared_ptr<Caller> caller,
                                                  Task<Result<wrpc::Values>> call) {
  auto result = co_await std::move(call);
  --calls_;
  turn.release();
  caller->callEnded(*session_);
  shard_.defer(*this);
  co_return result;
}

void SharedInstance::runDeferred() {
  if (callers_ == 0 && calls_ == 0) unused_.set();
}

}  // namespace nimbus::host
