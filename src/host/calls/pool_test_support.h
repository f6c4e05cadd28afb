#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "engine/test_support.h"
#include "host/calls/instance_pool.h"
#include "host/http_test_support.h"

// For the tests of this folder only.
namespace nimbus::host {

// No limit that a test does not set.
[[nodiscard]] inline CallPolicy patientPolicy() {
  CallPolicy policy;
  policy.pool_size = 1;
  policy.idle_timeout = std::chrono::hours(1);
  policy.timeout = std::chrono::hours(1);
  policy.cpu_limit = std::chrono::hours(1);
  policy.collateral_grace = std::chrono::hours(1);
  return policy;
}

// Keeps the reasons of all records.
class ReasonLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField> fields) override {
    for (const LogField& field : fields) {
      if (field.key == "reason") (reasons += field.value) += '\n';
    }
  }
  std::string reasons;
};

// A pool of one component on one shard, with everything around it.
class PoolRig {
 public:
  using MakePool = std::function<std::unique_ptr<InstancePool>(PoolEnvironment)>;
  PoolRig(net::Shard& shard, std::shared_ptr<const engine::Component> component,
          engine::GuestContext& context, CallPolicy policy, const MakePool& make)
      : shard_(shard),
        policy_(policy),
        poller_(shard),
        pool_(make({poller_, std::move(component), context, policy_, counters_, log_, gate_})) {}
  ~PoolRig() { asking_.cancelAll(); }

  // Begins a request, which may have content; how it is answered stands in answers() by and by.
  void ask(http::BodyReader* content = nullptr) {
    asking_.spawn(serve(pool_.get(), content, &answers_.emplace_back()));
  }
  // The statuses of all requests so far, once all of them are answered.
  Task<std::vector<std::string>> statuses() {
    co_await asking_.empty();
    std::vector<std::string> all;
    for (const FakeResponse& answer : answers_) all.push_back(answer.told.substr(0, 3));
    co_return all;
  }
  Task<std::string> askOnce() {
    ask();
    co_return (co_await statuses()).back();
  }
  // The clients of all requests go away.
  void leave() { asking_.cancelAll(); }
  // Lets the shard work until so many instances are alive.
  Task<void> untilInstances(std::uint64_t count) {
    const TimePoint patience = shard_.now() + std::chrono::seconds(60);
    while (counters_.instances != count && shard_.now() < patience) co_await engine::settle(shard_);
    EXPECT_EQ(counters_.instances, count);
  }
  Task<void> pass(Duration time) { co_await shard_.sleepFor(time); }
  Task<void> settle() { co_await engine::settle(shard_); }
  // There is no room for another one from now on; others have it.
  void takeInstances() { taken_ += own_quota_.take(own_quota_.limit()); }
  // There is again, for so many of them.
  void giveInstances(std::uint64_t count) {
    taken_ -= count;
    own_quota_.give(count);
  }
  Task<void> drain() { return pool_->drain(); }
  void endCalls() { pool_->endCalls("it wrote too much"); }

  CallCounters& counters() { return counters_; }
  // Why calls failed or were refused, all together.
  [[nodiscard]] const std::string& logged() const { return logger_.reasons; }
  std::deque<FakeResponse>& answers() { return answers_; }
  // Begins a request whose client does not read yet, and waits until its response has begun.
  Task<FakeResponse*> askAndHold(http::BodyReader* content = nullptr) {
    FakeResponse& response = answers_.emplace_back();
    response.hold = true;
    asking_.spawn(serve(pool_.get(), content, &response));
    while (!response.headSent()) {
      response.changed.clear();
      co_await response.changed.wait();
    }
    co_return &response;
  }
  static void letGo(FakeResponse& response) {
    response.hold = false;
    response.let_go.set();
  }
  // Returns once that response is complete.
  static Task<void> untilEnd(FakeResponse* response) {
    while (!response->told.ends_with(" end")) {
      response->changed.clear();
      co_await response->changed.wait();
    }
  }

 private:
  static Task<void> serve(InstancePool* pool, http::BodyReader* content, FakeResponse* response) {
    http::ServerRequest request;
    request.body = content;
    request.head.method = "GET";
    request.head.authority = "guest.test";
    request.head.path = "/";
    co_await pool->serve(request, *response, Caller::kOutside);
  }

  net::Shard& shard_;
  const CallPolicy policy_;
  engine::Poller poller_;
  CallCounters counters_;
  FakeClock clock_;
  ReasonLogger logger_;
  ComponentLog log_{{"default/a", "web", 1}, logger_, clock_};
  Quota host_quota_{100};
  Quota own_quota_{100};
  std::uint64_t taken_ = 0;
  QuotaLease lease_{host_quota_, 1};
  IdleInstances idle_{shard_, lease_, nullptr};
  InstanceGate gate_{shard_, lease_, idle_, own_quota_, 1, policy_, counters_};
  std::unique_ptr<InstancePool> pool_;
  std::deque<FakeResponse> answers_;
  TaskSet asking_;
};

}  // namespace nimbus::host
