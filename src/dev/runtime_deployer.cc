#include "dev/runtime_deployer.h"

namespace nimbus::dev {
namespace {

// After this an old generation's warm instances end; requests that still run there go on by their
// own limits.
constexpr Duration kRetireBound = std::chrono::seconds(30);

}  // namespace

Task<Result<Deployer::Times>> RuntimeDeployer::deploy(
    std::shared_ptr<const host::WorkloadSpec> workload) {
  const TimePoint begin = clock_.now();
  CO_TRY(auto next, co_await runtime_.prepare(std::move(workload), generation_ + 1));
  generation_ += 1;
  const TimePoint loaded = clock_.now();
  const auto previous = std::exchange(current_, next);
  co_await runtime_.swap(previous, next);
  const TimePoint swapped = clock_.now();
  if (previous) retiring_.spawn(runtime_.retire(previous, kRetireBound));
  co_return Times{.load = loaded - begin, .swap = swapped - loaded};
}

Task<void> RuntimeDeployer::close() {
  const auto last = std::exchange(current_, nullptr);
  if (!last) co_return;
  co_await runtime_.swap(last, nullptr);
  co_await runtime_.retire(last, Duration::zero());
}

}  // namespace nimbus::dev
