#include "host/calls/shared_instance.h"

#include <utility>

#include "host/calls/detached_call.h"

namespace nimbus::host {

class SharedInstance::Caller {
 public:
  explicit Caller(std::uint32_t number) : number_(number) {}
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool isGone() const { return gone_; }
  void go() { gone_ = true; }

 private:
  const std::uint32_t number_;
  bool gone_ = false;
};

std::shared_ptr<SharedInstance::Caller> SharedInstance::join() {
  unused_.clear();
  ++callers_;
  // 0 is nobody's. After four billion callers the first one is gone.
  if (++last_number_ == 0) ++last_number_;
  return std::make_shared<Caller>(last_number_);
}

void SharedInstance::leave(const std::shared_ptr<Caller>& caller) {
  caller->go();
  session_->disown(caller->number());
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
  // Nobody is left to drop what it returned.
  if (caller->isGone()) session_->disown(caller->number());
  shard_.defer(*this);
  co_return result;
}

void SharedInstance::runDeferred() {
  if (callers_ == 0 && calls_ == 0) unused_.set();
}

}  // namespace nimbus::host
