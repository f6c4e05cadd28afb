#include "wrpc/nats_client.h"

#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "wrpc/nats_call.h"
#include "wrpc/nats_identity.h"
#include "wrpc/nats_subject.h"

namespace nimbus::wrpc {
namespace {

class NatsSession final : public Session {
 public:
  NatsSession(std::shared_ptr<nats::ReplySlots> slots, std::shared_ptr<const NatsTarget> target,
              const Consumer& consumer)
      : slots_(std::move(slots)),
        target_(std::move(target)),
        headers_(std::make_shared<nats::Connection::Headers>(identityHeaders(consumer))) {}
  ~NatsSession() override {
    while (!calls_.empty()) (*calls_.begin())->end();
  }

  Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                  Values params) override {
    const TimePoint deadline =
        context.deadline.value_or(slots_->shard().now() + target_->options.call_timeout);
    auto call = std::make_shared<NatsCall>(slots_, target_, context.results, calls_);
    if (!call->hold(params)) {
      return Result<Values>(fail(ErrorCode::kResourceExhausted,
                                 fmt::format("calls over NATS hold too many bytes already to take "
                                             "{} more of parameters",
                                             params.bytes.size())));
    }
    return NatsCall::run(std::move(call), deadline, headersFor(context), function,
                         std::move(params));
  }

  // The provider's lease on the handle runs out.
  void drop(ByteView /*handle*/) override {}
  [[nodiscard]] bool inUse() const override { return !calls_.empty(); }

 private:
  [[nodiscard]] std::shared_ptr<const nats::Connection::Headers> headersFor(
      const CallContext& context) const {
    if (context.trace_parent.empty()) return headers_;
    auto headers = std::make_shared<nats::Connection::Headers>(*headers_);
    addTraceParent(*headers, context.trace_parent);
    return headers;
  }

  const std::shared_ptr<nats::ReplySlots> slots_;
  const std::shared_ptr<const NatsTarget> target_;
  const std::shared_ptr<const nats::Connection::Headers> headers_;
  NatsCall::Registry calls_;
};

class NatsInvoker final : public Invoker {
 public:
  NatsInvoker(std::shared_ptr<nats::Connection> connection, NatsClientOptions options)
      : connection_(std::move(connection)), target_(std::make_shared<NatsTarget>()) {
    target_->options = std::move(options);
    target_->budget = std::make_shared<ByteBudget>(target_->options.max_held_bytes);
  }

  // Whether it is served only a call can tell.
  Result<FunctionId> resolve(const FunctionName& name) override {
    TRY_VOID(invocationSubject(target_->options.prefix, name));
    return target_->names.add(name);
  }

  std::unique_ptr<Session> open(net::Shard& shard,
                                std::shared_ptr<const Consumer> consumer) override {
    NIMBUS_CHECK(shard.onThread());
    return std::make_unique<NatsSession>(slotsOf(shard), target_, *consumer);
  }

 private:
  // Those of one shard's sessions, which own them and end on that shard.
  std::shared_ptr<nats::ReplySlots> slotsOf(net::Shard& shard) {
    const std::lock_guard lock(mutex_);
    auto& known = slots_[shard.index()];
    auto slots = known.lock();
    if (!slots) {
      slots = std::make_shared<nats::ReplySlots>(connection_, shard,
                                                 target_->options.max_calls_per_shard);
      known = slots;
    }
    return slots;
  }

  const std::shared_ptr<nats::Connection> connection_;
  const std::shared_ptr<NatsTarget> target_;
  std::mutex mutex_;
  std::map<std::size_t, std::weak_ptr<nats::ReplySlots>> slots_;
};

}  // namespace

std::shared_ptr<Invoker> makeNatsInvoker(std::shared_ptr<nats::Connection> connection,
                                         NatsClientOptions options) {
  return std::make_shared<NatsInvoker>(std::move(connection), std::move(options));
}

}  // namespace nimbus::wrpc
