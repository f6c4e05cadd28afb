#include "wrpc/framed_client.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "wrpc/framed_call.h"

namespace nimbus::wrpc {
namespace {

class FramedSession final : public Session {
 public:
  FramedSession(net::Shard& shard, std::shared_ptr<const FramedTarget> target)
      : shard_(shard), target_(std::move(target)) {}
  ~FramedSession() override {
    while (!calls_.empty()) (*calls_.begin())->end();
  }

  Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                  Values params) override {
    const FramedClientOptions& options = target_->options;
    if (calls_.size() >= options.max_calls_per_session) {
      return Result<Values>(
          fail(ErrorCode::kResourceExhausted,
               fmt::format("{} calls to {} are under way", calls_.size(), target_->text)));
    }
    auto call = std::make_shared<FramedCall>(shard_, target_, calls_);
    if (!call->hold(params)) {
      return Result<Values>(
          fail(ErrorCode::kResourceExhausted,
               fmt::format("calls to {} hold too many bytes already to take {} more of parameters",
                           target_->text, params.bytes.size())));
    }
    std::optional<TimePoint> deadline = context.deadline;
    if (!deadline && options.call_timeout > Duration::zero()) {
      deadline = shard_.now() + options.call_timeout;
    }
    return FramedCall::run(std::move(call), deadline, context.results, function, std::move(params));
  }

  // The provider's lease on the handle runs out.
  void drop(ByteView /*handle*/) override {}
  [[nodiscard]] bool inUse() const override { return !calls_.empty(); }

 private:
  net::Shard& shard_;
  const std::shared_ptr<const FramedTarget> target_;
  FramedCall::Registry calls_;
};

class FramedInvoker final : public Invoker {
 public:
  FramedInvoker(ProviderAddress address, FramedClientOptions options)
      : target_(std::make_shared<FramedTarget>()) {
    target_->text = address.toString();
    target_->address = std::move(address);
    target_->options = std::move(options);
    target_->budget = std::make_shared<ByteBudget>(target_->options.max_held_bytes);
  }

  // Whether it is served only a call can tell.
  Result<FunctionId> resolve(const FunctionName& name) override { return target_->names.add(name); }
  std::unique_ptr<Session> open(net::Shard& shard,
                                std::shared_ptr<const Consumer> /*consumer*/) override {
    NIMBUS_CHECK(shard.onThread());
    return std::make_unique<FramedSession>(shard, target_);
  }

 private:
  const std::shared_ptr<FramedTarget> target_;
};

}  // namespace

Result<std::shared_ptr<Invoker>> makeFramedInvoker(ProviderAddress address,
                                                   FramedClientOptions options) {
  const bool by_name = address.transport == ProviderAddress::Transport::kTcp && !address.endpoint();
  if (!by_name || !options.resolver) TRY_VOID(address.endpoint());
  return std::make_shared<FramedInvoker>(std::move(address), std::move(options));
}

}  // namespace nimbus::wrpc
