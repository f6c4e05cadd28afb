#include "host/calls/warm_pool.h"

#include <algorithm>
#include <optional>

namespace nimbus::host {

using engine::CallOutcome;
using engine::Exchange;

namespace {

constexpr int kMaxAttempts = 3;

}  // namespace

// A call that waits for room on an instance.
class WarmPool::Waiter final : public DeadlineQueue::Entry {
 public:
  Waiter(WarmPool& pool, Counted counted)
      : Entry(pool.queue_deadlines_),
        pool_(pool),
        counted_(std::move(counted)),
        place_(pool.waiting_.insert(pool.waiting_.end(), this)) {}
  ~Waiter() override { leave(); }

  void grant(Seat seat) {
    leave();
    seat_.emplace(std::move(seat));
    decided_.set();
  }
  void onDeadline() override {
    leave();
    decided_.set();
  }
  Event& decided() { return decided_; }
  std::optional<Seat>& seat() { return seat_; }

 private:
  void leave() {
    if (std::exchange(queued_, false)) pool_.waiting_.erase(place_);
  }

  WarmPool& pool_;
  Counted counted_;
  std::list<Waiter*>::iterator place_;
  bool queued_ = true;
  std::optional<Seat> seat_;
  Event decided_;
};

WarmPool::WarmPool(PoolEnvironment environment, std::uint32_t max_warm)
    : environment_(std::move(environment)),
      max_warm_(max_warm),
      max_concurrency_(environment_.component->kind() == engine::ComponentKind::kHttpP3
                           ? std::max(1U, environment_.policy.max_concurrency)
                           : 1),
      deadlines_(environment_.poller.shard(), environment_.policy.timeout),
      queue_deadlines_(environment_.poller.shard(), environment_.policy.queue_timeout),
      idle_timer_(environment_.poller.shard(), [this] { retireIdle(); }),
      self_(std::make_shared<WarmPool*>(this)) {}

WarmPool::~WarmPool() {
  *self_ = nullptr;
  finishing_.cancelAll();
  seekers_.cancelAll();
}

WarmPool::SlotPointer WarmPool::freeSlot() const {
  SlotPointer best;
  for (const SlotPointer& slot : slots_) {
    if (!slot->admits || slot->seats_taken >= max_concurrency_) continue;
    if (!best || slot->seats_taken < best->seats_taken) best = slot;
  }
  return best;
}

bool WarmPool::mayAddSlot() const {
  const auto admitting =
      std::ranges::count_if(slots_, [](const SlotPointer& slot) { return slot->admits; });
  return static_cast<std::uint32_t>(admitting) < max_warm_;
}

bool WarmPool::servesSoon() {
  return std::ranges::any_of(slots_, &WarmSlot::admits) ||
         environment_.gate.tryAcquire().has_value();
}

WarmPool::SlotPointer WarmPool::addSlot(InstanceGate::Permit permit) {
  auto slot = std::make_shared<WarmSlot>(std::move(permit), environment_.counters.instances);
  slot->instance = std::make_unique<engine::WarmInstance>(
      environment_.poller, environment_.component, environment_.context, max_concurrency_, *this);
  slot->idle.give_up = [this, weak = std::weak_ptr(slot)] {
    const SlotPointer idle = weak.lock();
    if (idle && idle->admits) retire(idle);
  };
  slots_.push_back(slot);
  return slot;
}

Seat WarmPool::takeSeat(SlotPointer slot) {
  Seat seat(*this, std::move(slot));
  const std::uint64_t most = environment_.policy.max_invocations;
  if (most != 0 && seat.slot().admitted >= most) seat.slot().admits = false;
  return seat;
}

Result<void> WarmPool::checkServes() const {
  if (ended_because_.empty()) return {};
  return fail(ErrorCode::kUnavailable, "the workload has been ended");
}

void WarmPool::refuse(http::ResponseWriter& response, const Error& why) const {
  answerOverloaded(response, why.message() + "\n");
}

Task<Result<Seat>> WarmPool::admit(Caller caller) {
  CO_TRY_VOID(checkServes());
  if (waiting_.empty()) {
    if (SlotPointer slot = freeSlot()) co_return takeSeat(std::move(slot));
    if (mayAddSlot()) {
      if (auto permit = environment_.gate.tryAcquire()) {
        co_return takeSeat(addSlot(std::move(*permit)));
      }
    }
  }
  if (slots_.empty() && caller == Caller::kInstance && environment_.gate.hostIsFull())
    co_return fail(ErrorCode::kResourceExhausted, "the host has no instance left");
  auto counted = Counted::below(environment_.policy.max_queue, environment_.counters.queued);
  if (!counted)
    co_return fail(ErrorCode::kResourceExhausted, "too many requests wait for an instance");
  Waiter waiter(*this, *std::move(counted));
  if (waiting_.size() == 1) dispatch();  // otherwise those before it have asked
  co_await waiter.decided().wait();
  if (!waiter.seat()) {
    CO_TRY_VOID(checkServes());
    co_return fail(ErrorCode::kDeadlineExceeded, "no instance became free in time");
  }
  co_return *std::move(waiter.seat());
}

void WarmPool::dispatch() {
  while (!waiting_.empty()) {
    SlotPointer slot = freeSlot();
    if (!slot) {
      if (!mayAddSlot()) return;
      auto permit = environment_.gate.tryAcquire();
      if (!permit) return seek();
      slot = addSlot(std::move(*permit));
    }
    waiting_.front()->grant(takeSeat(std::move(slot)));
  }
}

// What holds a permit may be no instance of this pool: the last call on one that has ended, or
// another component.
void WarmPool::seek() {
  if (!std::exchange(seeking_, true)) seekers_.spawn(seekPermit());
}

Task<void> WarmPool::seekPermit() {
  auto permit = co_await environment_.gate.acquireUncounted();
  seeking_ = false;
  SlotPointer added;
  if (permit && !waiting_.empty() && !freeSlot() && mayAddSlot())
    added = addSlot(std::move(*permit));
  dispatch();  // seeks again as long as calls wait
  // It went to nobody: who waited had been granted another, or is gone.
  if (added && added->admits && added->seats_taken == 0) idles(added);
}

Task<void> WarmPool::serve(http::ServerRequest& request, http::ResponseWriter& response,
                           Caller caller) {
  RequestContent content(request.body);
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    if (co_await serveOnce(request, content, response, caller) == Attempt::kOver) co_return;
  }
  environment_.counters.failures.fetch_add(1, std::memory_order_relaxed);
  environment_.log.refused("no instance took the request");
  answerOverloaded(response, "no instance took the request\n");
}

namespace {

// Hands a call that outlives its request to the pool.
template <typename LetFinish>
class CallGuard {
 public:
  CallGuard(std::unique_ptr<WarmCall> call, LetFinish let_finish)
      : call_(std::move(call)), let_finish_(std::move(let_finish)) {}
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  ~CallGuard() {
    if (!call_->exchange().released()) let_finish_(std::move(call_));
  }
  WarmCall& operator*() { return *call_; }

 private:
  std::unique_ptr<WarmCall> call_;
  LetFinish let_finish_;
};

}  // namespace

Task<WarmPool::Attempt> WarmPool::serveOnce(http::ServerRequest& request, RequestContent& content,
                                            http::ResponseWriter& response, Caller caller) {
  auto seat = co_await admit(caller);
  if (!seat) {
    environment_.counters.failures.fetch_add(1, std::memory_order_relaxed);
    if (seat.error().code() != ErrorCode::kUnavailable)
      environment_.log.refused(seat.error().message());
    refuse(response, seat.error());
    co_return Attempt::kOver;
  }
  const Counted in_flight(environment_.counters.in_flight);
  const std::uint64_t window_bytes = environment_.policy.window_bytes;
  auto exchange = Exchange::create(request.head, !content.empty(), window_bytes,
                                   environment_.policy.deadline(environment_.poller.shard().now()));
  if (!exchange) {
    answerInvalid(response, exchange.error());
    co_return Attempt::kOver;
  }
  CallGuard call(
      std::make_unique<WarmCall>(*this, deadlines_, std::move(*seat), std::move(*exchange)),
      [this](std::unique_ptr<WarmCall> unfinished) { letFinish(std::move(unfinished)); });
  Relay relay(content, (*call).exchange(), response, window_bytes);
  const RelayResult result = co_await relay.run();
  co_return judge(*call, result, response);
}

WarmPool::Attempt WarmPool::judge(WarmCall& call, RelayResult result,
                                  http::ResponseWriter& response) {
  if (result.end != RelayEnd::kFailed) return Attempt::kOver;
  CallOutcome outcome = *call.exchange().outcome();
  const SlotPointer slot = call.slot();
  if (outcome.kind == CallOutcome::Kind::kCollateral && slot && !slot->end_reason.empty())
    outcome.message = slot->end_reason;
  if (outcome.kind == CallOutcome::Kind::kNotStarted && !result.head_sent && !draining_) {
    return Attempt::kAgain;
  }
  environment_.counters.failures.fetch_add(1, std::memory_order_relaxed);
  environment_.log.failure(outcome);
  answerFailure(response, outcome, result.head_sent);
  return Attempt::kOver;
}

void WarmPool::letFinish(std::unique_ptr<WarmCall> call) {
  if (call->exchange().outcome() == nullptr) call->exchange().discard();
  // A guest may work on after a response that is complete.
  const SlotPointer slot = call->slot();
  if (slot && !call->exchange().ended()) {
    call->unwanted_since = environment_.poller.shard().now();
    onUnwanted(slot);
  }
  finishing_.spawn(finish(std::move(call)));
}

// The client has its answer or is gone; the instance is not free before the guest is done.
Task<void> WarmPool::finish(std::unique_ptr<WarmCall> call) {
  Exchange& exchange = call->exchange();
  while (!exchange.released()) {
    exchange.changed().clear();
    co_await exchange.changed().wait();
  }
}

Task<void> WarmPool::drain() {
  draining_ = true;
  const std::vector<SlotPointer> slots = slots_;
  for (const SlotPointer& slot : slots) {
    slot->admits = false;
    if (slot->seats_taken == 0) endWhenDone(slot);
  }
  while (!slots_.empty()) {
    all_ended_.clear();
    co_await all_ended_.wait();
  }
  co_await finishing_.empty();
}

std::unique_ptr<InstancePool> makeWarmPool(PoolEnvironment environment, std::uint32_t max_warm) {
  return std::make_unique<WarmPool>(std::move(environment), max_warm);
}

}  // namespace nimbus::host
