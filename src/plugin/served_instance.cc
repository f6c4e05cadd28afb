#include "plugin/served_instance.h"

#include <utility>

#include "host/calls/detached_call.h"

namespace nimbus::plugin {
namespace {

constexpr std::uint64_t kWindowBytes = 64 * 1024;
constexpr int kMaxAttempts = 3;

// Whether the instance may be gone after a call that ended like that.
bool endsInstance(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTrap:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kInternal: return true;
    default: return false;
  }
}

}  // namespace

bool ServedInstance::serves() const {
  return running_ && running_->initialized && *running_->initialized && !running_->failed;
}

void ServedInstance::leave(const Caller& caller) {
  caller->go();
  if (running_ && running_->instance) caller->leave(running_->instance->session());
}

Eventual<Result<wrpc::Values>> ServedInstance::invoke(Caller caller,
                                                      const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params) {
  if (serves()) return invokeNow(std::move(caller), context, function, std::move(params));
  return invokeLater(std::move(caller), context, function, std::move(params));
}

void ServedInstance::drop(ByteView handle) {
  if (serves()) running_->instance->session().drop(handle);
}

bool ServedInstance::owns(ByteView handle) const {
  return serves() && running_->instance->session().owns(handle);
}

bool ServedInstance::inUse() const {
  return running_ && (!running_->initialized || running_->tasks.size() != 0 ||
                      (serves() && running_->instance->session().inUse()));
}

// A set of tasks must not go within one of them.
void ServedInstance::sweep() {
  std::erase_if(retiring_, [](const auto& running) { return running->tasks.size() == 0; });
}

void ServedInstance::start() {
  if (running_) retiring_.push_back(std::move(running_));
  sweep();
  running_ = std::make_unique<Running>();
  if (auto made = make_()) {
    running_->instance = *std::move(made);
    running_->tasks.spawn(initialize(running_.get()));
  } else {
    running_->initialized = std::unexpected(std::move(made).error());
    running_->failed = true;
    running_->ready->set();
  }
}

Task<void> ServedInstance::initialize(Running* running) {
  auto initialized = co_await running->instance->initialize();
  running->failed = !initialized;
  running->initialized = std::move(initialized);
  ended_();
  shard_.post([ready = running->ready] { ready->set(); });
}

// Whoever finds that the instance has failed meanwhile begins again; each call makes one fail at
// most.
Task<Result<void>> ServedInstance::untilServes() {
  const std::weak_ptr<int> alive = alive_;
  while (!serves()) {
    if (!running_ || running_->failed) start();
    const std::shared_ptr<Event> ready = running_->ready;
    co_await ready->wait();
    if (alive.expired()) co_return fail(ErrorCode::kUnavailable, "the session has ended");
    if (running_->initialized && !*running_->initialized)
      co_return std::unexpected(running_->initialized->error());
  }
  co_return Result<void>();
}

Task<Result<wrpc::Values>> ServedInstance::invokeLater(Caller caller,
                                                       const wrpc::CallContext& context,
                                                       wrpc::FunctionId function,
                                                       wrpc::Values params) {
  CO_TRY_VOID(co_await untilServes());
  co_return co_await invokeNow(std::move(caller), context, function, std::move(params));
}

Eventual<Result<wrpc::Values>> ServedInstance::invokeNow(Caller caller,
                                                         const wrpc::CallContext& context,
                                                         wrpc::FunctionId function,
                                                         wrpc::Values params) {
  Running& running = *running_;
  const std::uint64_t owner = caller->nextOwner();
  auto call = running.instance->session().invokeFor(owner, context, function, std::move(params));
  if (call.ready()) return outcome(running, call.take());
  const auto unwanted = [this, alive = std::weak_ptr(alive_), owner] {
    if (alive.expired() || !running_ || !running_->instance) return;
    running_->instance->session().disown(owner, owner);
  };
  return host::detachCall(shard_, running.tasks,
                          finish(&running, std::move(caller), std::move(call).intoTask()),
                          unwanted);
}

Task<Result<wrpc::Values>> ServedInstance::finish(Running* running, Caller caller,
                                                  Task<Result<wrpc::Values>> call) {
  auto result = outcome(*running, co_await std::move(call));
  caller->callEnded(running->instance->session());
  co_return result;
}

Task<void> ServedInstance::serve(http::ServerRequest& request, http::ResponseWriter& response) {
  host::RequestContent content(request.body);
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    if (co_await serveOnce(request, content, response) == Attempt::kOver) co_return;
  }
  host::answerOverloaded(response, "no instance of the plugin took the request\n");
}

namespace {

// Nobody reads the response any more.
struct DiscardAtEnd {
  engine::Exchange& exchange;
  ~DiscardAtEnd() {
    if (exchange.outcome() == nullptr) exchange.discard();
  }
};

}  // namespace

Task<ServedInstance::Attempt> ServedInstance::serveOnce(http::ServerRequest& request,
                                                        host::RequestContent& content,
                                                        http::ResponseWriter& response) {
  if (const auto ready = co_await untilServes(); !ready) {
    response.sendFailure({503, ready.error().message() + "\n"});
    co_return Attempt::kOver;
  }
  auto made = engine::Exchange::create(request.head, !content.empty(), kWindowBytes,
                                       shard_.now() + kServedLimits.wall_time);
  if (!made) {
    host::answerInvalid(response, made.error());
    co_return Attempt::kOver;
  }
  const std::shared_ptr<engine::Exchange> exchange(*std::move(made));
  Running& running = *running_;
  if (!running.instance->session().submit(*exchange)) {
    running.failed = true;
    co_return Attempt::kAgain;
  }
  running.tasks.spawn(finishExchange(&running, exchange));
  const DiscardAtEnd discard{*exchange};
  const std::weak_ptr<int> alive = alive_;
  const host::RelayResult result = co_await host::relay(content, *exchange, response, kWindowBytes);
  if (result.end != host::RelayEnd::kFailed) co_return Attempt::kOver;
  const engine::CallOutcome outcome = *exchange->outcome();
  const bool again = outcome.kind == engine::CallOutcome::Kind::kNotStarted && !result.head_sent;
  if (again && !alive.expired()) co_return Attempt::kAgain;
  host::answerFailure(response, outcome, result.head_sent);
  co_return Attempt::kOver;
}

Task<void> ServedInstance::finishExchange(Running* running,
                                          std::shared_ptr<engine::Exchange> exchange) {
  while (!exchange->released()) {
    exchange->changed().clear();
    if (exchange->released()) break;
    co_await exchange->changed().wait();
  }
  if (!running->instance->session().lives()) running->failed = true;
  ended_();
}

Result<wrpc::Values> ServedInstance::outcome(Running& running, Result<wrpc::Values> result) {
  if (!result && endsInstance(result.error().code())) running.failed = true;
  ended_();
  return result;
}

}  // namespace nimbus::plugin
