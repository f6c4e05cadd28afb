#include "engine/fresh_call.h"
#include "host/calls/instance_pool.h"
#include "host/calls/relay.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;
using engine::Exchange;
using engine::FreshCall;

// One call with its instance, its permit and its deadline.
class RunningCall final : public DeadlineQueue::Entry {
 public:
  RunningCall(const PoolEnvironment& environment, DeadlineQueue& deadlines,
              InstanceGate::Permit permit, std::unique_ptr<Exchange> exchange,
              const std::string& ended_because)
      : Entry(deadlines),
        ended_because_(ended_because),
        permit_(std::move(permit)),
        instance_(environment.counters.instances),
        call_(environment.poller, environment.component, environment.context, std::move(exchange),
              environment.policy.cpu_limit) {}

  FreshCall& call() { return call_; }
  Exchange& exchange() { return call_.exchange(); }

  void onDeadline() override {
    if (!ended_because_.empty())
      return exchange().abandon({CallOutcome::Kind::kResources, 0, ended_because_});
    exchange().abandon(
        {CallOutcome::Kind::kTimeout, 0, "the call took longer than its limit" + call_.place()});
  }

 private:
  const std::string& ended_because_;  // empty: it is not
  InstanceGate::Permit permit_;
  Counted instance_;
  FreshCall call_;
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
    running->call().poll();
    const RelayResult result =
        co_await relay(content, running->exchange(), response, environment_.policy.window_bytes);
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
        if (running->call().done()) {
          logEnd(running->exchange());
        } else {
          lingering_.spawn(linger(std::move(running)));
        }
        break;
      case RelayEnd::kFailed: {
        const CallOutcome& outcome = *running->exchange().outcome();
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
    logEnd(exchange);
  }

  // Of a call whose response is out.
  void logEnd(const Exchange& exchange) {
    const CallOutcome* const outcome = exchange.outcome();
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
