#include "host/calls/shared_instance.h"

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
  // A call that is given up in the middle can end the instance, which is not one caller's to do.
  const wrpc::CallContext own{
      .consumer = context.consumer, .deadline = std::nullopt, .trace_parent = context.trace_parent};
  auto call = session_->invokeFor(caller->number(), own, function, std::move(params));
  if (call.ready()) return call.take();
  ++calls_;
  return detachCall(shard_, tasks_, finish(caller, std::move(call).intoTask()));
}

Task<Result<wrpc::Values>> SharedInstance::finish(std::shared_ptr<Caller> caller,
                                                  Task<Result<wrpc::Values>> call) {
  auto result = co_await std::move(call);
  --calls_;
  caller->callEnded(*session_);
  shard_.defer(*this);
  co_return result;
}

void SharedInstance::runDeferred() {
  if (callers_ == 0 && calls_ == 0) unused_.set();
}

}  // namespace nimbus::host
