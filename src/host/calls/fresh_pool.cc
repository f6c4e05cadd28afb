#include <memory>
#include <optional>
#include <utility>

#include "engine/fresh_call.h"
#include "host/calls/instance_pool.h"
#include "host/calls/relay.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;
using engine::Exchange;
using engine::FreshCall;

// One call with its instance, its permit and its deadline. At that the instance and the permit are
// given back; the call goes on as long as its client reads what has come of the response.
class RunningCall final : public DeadlineQueue::Entry {
 public:
  RunningCall(const PoolEnvironment& environment, DeadlineQueue& deadlines,
              InstanceGate::Permit permit, std::unique_ptr<Exchange> exchange,
              const std::string& ended_because)
      : Entry(deadlines),
        shard_(environment.poller.shard()),
        ended_because_(ended_because),
        permit_(std::move(permit)),
        instance_(std::in_place, environment.counters.instances),
        call_(std::in_place, environment.poller, environment.component, environment.context,
              std::move(exchange), environment.policy.cpu_limit) {}
  ~RunningCall() override {
    if (self_) *self_ = nullptr;
  }

  // Runs the guest for the first time. `relay` is of its exchange, and about to run.
  void begin(Relay& relay) {
    relay_ = &relay;
    call_->poll();
  }

  // Not once the call has run out of its time.
  Exchange& exchange() { return call_->exchange(); }
  // How the call ended; null while it goes on.
  [[nodiscard]] const CallOutcome* outcome() {
    return outcome_ ? &*outcome_ : exchange().outcome();
  }
  // The guest has ended, its instance is gone.
  [[nodiscard]] bool done() const { return !call_ || call_->done(); }

  void onDeadline() override {
    CallOutcome outcome{CallOutcome::Kind::kResources, 0, ended_because_};
    if (ended_because_.empty())
      outcome = {CallOutcome::Kind::kTimeout, 0,
                 "the call took longer than its limit" + call_->place()};
    giveBackLater();
    exchange().abandon(std::move(outcome));  // whoever waits for it goes on, and this may go
  }

 private:
  // Posted: the guest may be in the middle of a poll, and who does not wait for its client is
  // through with the call by then.
  void giveBackLater() {
    self_ = std::make_shared<RunningCall*>(this);
    shard_.post([self = self_] {
      if (*self != nullptr) (*self)->giveBack();
    });
  }

  void giveBack() {
    // Goes last, to whoever waits for it.
    const std::optional<InstanceGate::Permit> permit = std::exchange(permit_, std::nullopt);
    outcome_ = *exchange().outcome();
    relay_->takeOver();
    call_.reset();
    instance_.reset();
  }

  net::Shard& shard_;
  const std::string& ended_because_;  // empty: it is not
  std::optional<InstanceGate::Permit> permit_;
  std::optional<Counted> instance_;
  std::optional<FreshCall> call_;       // none: it has run out of its time
  std::optional<CallOutcome> outcome_;  // then
  Relay* relay_ = nullptr;
  std::shared_ptr<RunningCall*> self_;  // null before the deadline; outlives this in what is posted
};

class FreshPool final : public InstancePool {
 public:
  explicit FreshPool(PoolEnvironment environment)
      : environment_(std::move(environment)),
        deadlines_(environment_.poller.shard(), environment_.policy.timeout) {}

  Task<void> serve(http::ServerRequest& request, http::ResponseWriter& response,
                   Caller caller) override {
    auto permit = environment_.gate.tryAcquire();
    if (!permit) {
      auto waited = co_await environment_.gate.acquire(caller);
      if (!waited) {
        environment_.counters.failures.fetch_add(1, std::memory_order_relaxed);
        environment_.log.refused(waited.error().message());
        answerOverloaded(response, waited.error().message() + "\n");
        co_return;
      }
      permit.emplace(std::move(*waited));
    }
    if (!ended_because_.empty()) {
      answerFailure(response, {CallOutcome::Kind::kResources, 0, ended_because_}, false);
      co_return;
    }
    RequestContent content(request.body);
    auto exchange =
        Exchange::create(request.head, !content.empty(), environment_.policy.window_bytes,
                         environment_.policy.deadline(environment_.poller.shard().now()));
    if (!exchange) {
      answerInvalid(response, exchange.error());
      co_return;
    }
    auto running = std::make_unique<RunningCall>(environment_, deadlines_, std::move(*permit),
                                                 std::move(*exchange), ended_because_);
    const Counted in_flight(environment_.counters.in_flight);
    Relay relay(content, running->exchange(), response, environment_.policy.window_bytes);
    running->begin(relay);
    const RelayResult result = co_await relay.run();
    finish(std::move(running), result, response);
  }

  void endCalls(const std::string& why) override {
    ended_because_ = why;
    deadlines_.expireAll();
  }

  Task<void> drain() override { co_await lingering_.empty(); }

 private:
  void finish(std::unique_ptr<RunningCall> running, RelayResult result,
              http::ResponseWriter& response) {
    switch (result.end) {
      case RelayEnd::kComplete:
        if (running->done()) {
          logEnd(running->outcome());
        } else {
          lingering_.spawn(linger(std::move(running)));
        }
        break;
      case RelayEnd::kFailed: {
        const CallOutcome& outcome = *running->outcome();
        environment_.counters.failures.fetch_add(1, std::memory_order_relaxed);
        environment_.log.failure(outcome);
        answerFailure(response, outcome, result.head_sent);
        break;
      }
      case RelayEnd::kClientGone: break;
    }
  }

  // The response is out; the guest may still finish what it is doing, within its limits.
  Task<void> linger(std::unique_ptr<RunningCall> running) {
    Exchange& exchange = running->exchange();
    exchange.discard();
    while (exchange.outcome() == nullptr) {
      exchange.changed().clear();
      co_await exchange.changed().wait();
    }
    logEnd(exchange.outcome());
  }

  // Of a call whose response is out.
  void logEnd(const CallOutcome* outcome) {
    if (outcome != nullptr && outcome->kind != CallOutcome::Kind::kOk)
      environment_.log.failure(*outcome);
  }

  PoolEnvironment environment_;
  std::string ended_because_;
  DeadlineQueue deadlines_;
  TaskSet lingering_;
};

}  // namespace

std::unique_ptr<InstancePool> makeFreshPool(PoolEnvironment environment) {
  return std::make_unique<FreshPool>(std::move(environment));
}

}  // namespace nimbus::host
