#include "host/calls/detached_call.h"

#include <memory>
#include <utility>

namespace nimbus::host {
namespace {

using Outcome = Result<wrpc::Values>;
using Arrived = OneShot<Outcome>;

// Hands the outcome over when the call ends, however that comes. By way of the loop: who waits may
// end what the call runs in, and a task must not be ended within itself.
class Delivery {
 public:
  Delivery(net::Shard& shard, std::shared_ptr<Arrived> arrived, std::function<void()> unwanted)
      : shard_(shard), arrived_(std::move(arrived)), unwanted_(std::move(unwanted)) {}
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() {
    shard_.post([arrived = std::move(arrived_), outcome = std::move(outcome_),
                 unwanted = std::move(unwanted_)]() mutable {
      if (arrived.use_count() > 1) return arrived->set(std::move(outcome));
      if (outcome) unwanted();
    });
  }
  void take(Outcome outcome) { outcome_ = std::move(outcome); }

 private:
  net::Shard& shard_;
  std::shared_ptr<Arrived> arrived_;  // who waits has it, too
  std::function<void()> unwanted_;
  Outcome outcome_ = fail(ErrorCode::kUnavailable, "what served the call has ended");
};

Task<void> run(net::Shard& shard, Task<Outcome> call, std::shared_ptr<Arrived> arrived,
               std::function<void()> unwanted) {
  Delivery delivery(shard, std::move(arrived), std::move(unwanted));
  delivery.take(co_await std::move(call));
}

Task<Outcome> waitFor(std::shared_ptr<Arrived> arrived) { co_return co_await arrived->wait(); }

}  // namespace

Task<Outcome> detachCall(net::Shard& shard, TaskSet& tasks, Task<Outcome> call,
                         std::function<void()> unwanted) {
  auto arrived = std::make_shared<Arrived>();
  tasks.spawn(run(shard, std::move(call), arrived, std::move(unwanted)));
  return waitFor(std::move(arrived));
}

}  // namespace nimbus::host
