#include "dev/runtime_deployer.h"

#include <algorithm>
#include <utility>

namespace nimbus::dev {
namespace {

// After this an old generation's warm instances end; requests that still run there go on by their
// own limits.
constexpr Duration kRetireBound = std::chrono::seconds(30);

}  // namespace

bool RuntimeDeployer::serves(const host::WorkloadSpec& spec) const {
  if (app_ && app_->spec() == spec) return true;
  return std::ranges::any_of(
      host_plugins_, [&](const HostPlugin& each) { return each.deployment->spec() == spec; });
}

RuntimeDeployer::Deployed RuntimeDeployer::replace(Deployed next) {
  if (app_ && app_->spec().id() == next->spec().id()) return std::exchange(app_, std::move(next));
  for (HostPlugin& each : host_plugins_)
    if (each.deployment->spec().id() == next->spec().id())
      return std::exchange(each.deployment, std::move(next));
  host_plugins_.push_back({std::move(next)});
  return nullptr;
}

void RuntimeDeployer::wantOnly(const std::vector<Spec>& specs) {
  for (HostPlugin& each : host_plugins_)
    each.wanted = std::ranges::any_of(
        specs, [&](const Spec& spec) { return spec->id() == each.deployment->spec().id(); });
}

Task<Result<Deployer::Times>> RuntimeDeployer::deploy(
    std::shared_ptr<const DevWorkloads> workloads) {
  const TimePoint begin = clock_.now();
  std::vector<Spec> specs;
  for (const host::WorkloadSpec& spec : workloads->host_plugins)
    specs.emplace_back(workloads, &spec);
  specs.emplace_back(workloads, &workloads->app);
  std::vector<Spec> due;
  for (const Spec& spec : specs)
    if (!serves(*spec)) due.push_back(spec);
  // Whether the app can go on with what is another is found by preparing it, too.
  const bool app_stays = serves(workloads->app);
  if (app_stays && !due.empty()) due.push_back(specs.back());
  CO_TRY(auto prepared, co_await runtime_.prepareTogether(due, generation_ + 1));
  if (app_stays && !prepared.empty()) prepared.pop_back();
  generation_ += 1;
  const TimePoint loaded = clock_.now();

  std::vector<Replacement> changes;
  for (Deployed& next : prepared) {
    if (!app_ && next->spec().id() == workloads->app.id()) {
      app_ = next;
      changes.push_back({nullptr, std::move(next)});
    } else {
      Deployed previous = replace(next);
      changes.push_back({std::move(previous), std::move(next)});
    }
  }
  wantOnly(specs);
  if (!changes.empty()) co_await runtime_.swapTogether(changes);
  const TimePoint swapped = clock_.now();
  Deployed previous_app;
  for (const Replacement& each : changes) {
    if (each.next == app_)
      previous_app = each.previous;
    else if (each.previous)
      retiring_.spawn(runtime_.retire(each.previous, kRetireBound));
  }
  retiring_.spawn(retireApp(std::move(previous_app)));
  co_return Times{.load = loaded - begin, .swap = swapped - loaded};
}

Task<void> RuntimeDeployer::retireApp(Deployed previous) {
  ++apps_retiring_;
  if (previous) co_await runtime_.retire(std::move(previous), kRetireBound);
  if (--apps_retiring_ == 0) co_await withdrawUnwanted();
}

Task<void> RuntimeDeployer::withdrawUnwanted() {
  std::vector<Replacement> changes;
  for (const HostPlugin& each : host_plugins_)
    if (!each.wanted) changes.push_back({each.deployment, nullptr});
  if (changes.empty()) co_return;
  std::erase_if(host_plugins_, [](const HostPlugin& each) { return !each.wanted; });
  co_await runtime_.swapTogether(changes);
  for (const Replacement& each : changes) co_await runtime_.retire(each.previous, kRetireBound);
}

Task<void> RuntimeDeployer::close() {
  std::vector<Replacement> all;
  // Those that call go first.
  if (auto app = std::exchange(app_, nullptr)) all.push_back({std::move(app), nullptr});
  for (HostPlugin& each : std::exchange(host_plugins_, {}))
    all.push_back({std::move(each.deployment), nullptr});
  if (all.empty()) co_return;
  co_await runtime_.swapTogether(all);
  for (const Replacement& each : all) co_await runtime_.retire(each.previous, Duration::zero());
}

}  // namespace nimbus::dev
