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
  Delivery(net::Shard& shard, std::shared_ptr<Arrived> arrived)
      : shard_(shard), arrived_(std::move(arrived)) {}
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() {
    shard_.post([arrived = std::move(arrived_), outcome = std::move(outcome_)]() mutable {
      arrived->set(std::move(outcome));
    });
  }
  void take(Outcome outcome) { outcome_ = std::move(outcome); }

 private:
  net::Shard& shard_;
  std::shared_ptr<Arrived> arrived_;
  Outcome outcome_ = fail(ErrorCode::kUnavailable, "what served the call has ended");
};

Task<void> run(net::Shard& shard, Task<Outcome> call, std::shared_ptr<Arrived> arrived) {
  Delivery delivery(shard, std::move(arrived));
  delivery.take(co_await std::move(call));
}

Task<Outcome> waitFor(std::shared_ptr<Arrived> arrived) { co_return co_await arrived->wait(); }

}  // namespace

Task<Outcome> detachCall(net::Shard& shard, TaskSet& tasks, Task<Outcome> call) {
  auto arrived = std::make_shared<Arrived>();
  tasks.spawn(run(shard, std::move(call), arrived));
  return waitFor(std::move(arrived));
}

}  // namespace nimbus::host
