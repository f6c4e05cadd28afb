#include "dev/runtime_deployer.h"

#include <algorithm>
#include <utility>

namespace nimbus::dev {
namespace {

using Replacements = std::vector<host::WorkloadRuntime::Replacement>;

// After this an old generation's warm instances end; requests that still run there go on by their
// own limits.
constexpr Duration kRetireBound = std::chrono::seconds(30);

// Those that are not the same as before.
Replacements changesIn(const Replacements& all) {
  Replacements changes;
  for (const auto& each : all)
    if (each.previous != each.next) changes.push_back(each);
  return changes;
}

Replacements reversed(Replacements all) {
  for (auto& each : all) std::swap(each.previous, each.next);
  return all;
}

}  // namespace

RuntimeDeployer::Deployed RuntimeDeployer::running(const host::WorkloadSpec& spec) const {
  const auto found = std::ranges::find_if(
      host_plugins_, [&](const Deployed& each) { return each->spec().id() == spec.id(); });
  return found == host_plugins_.end() ? nullptr : *found;
}

Task<Result<Replacements>> RuntimeDeployer::prepareHostPlugins(const std::vector<Spec>& specs) {
  Replacements all;
  for (const Deployed& each : host_plugins_) {
    const bool stays = std::ranges::any_of(
        specs, [&](const Spec& spec) { return spec->id() == each->spec().id(); });
    if (!stays) all.push_back({each, nullptr});
  }
  for (const Spec& spec : specs) {
    const Deployed now = running(*spec);
    if (now && now->spec() == *spec) {
      all.push_back({now, now});
    } else {
      CO_TRY(auto next, co_await runtime_.prepare(spec, generation_ + 1));
      all.push_back({now, std::move(next)});
    }
  }
  co_return all;
}

// An app may need what only the next generation of a host plugin exports: then that serves first,
// and the one before again if it does not help.
Task<Result<RuntimeDeployer::Deployed>> RuntimeDeployer::prepareApp(
    Spec spec, const std::vector<Replacement>& host_plugins) {
  if (app_ && app_->spec() == *spec) co_return app_;
  auto prepared = co_await runtime_.prepare(spec, generation_ + 1);
  const Replacements changes = changesIn(host_plugins);
  if (prepared || changes.empty()) co_return prepared;
  co_await runtime_.swapTogether(changes);
  auto again = co_await runtime_.prepare(std::move(spec), generation_ + 1);
  if (!again) co_await runtime_.swapTogether(reversed(changes));
  co_return again;
}

Task<Result<Deployer::Times>> RuntimeDeployer::deploy(
    std::shared_ptr<const DevWorkloads> workloads) {
  const TimePoint begin = clock_.now();
  std::vector<Spec> specs;
  for (const host::WorkloadSpec& spec : workloads->host_plugins)
    specs.emplace_back(workloads, &spec);
  CO_TRY(Replacements changes, co_await prepareHostPlugins(specs));
  CO_TRY(Deployed app, co_await prepareApp(Spec(workloads, &workloads->app), changes));
  generation_ += 1;
  const TimePoint loaded = clock_.now();
  host_plugins_.clear();
  for (const Replacement& each : changes)
    if (each.next) host_plugins_.push_back(each.next);
  changes.push_back({std::exchange(app_, app), app});
  changes = changesIn(changes);
  co_await runtime_.swapTogether(changes);
  const TimePoint swapped = clock_.now();
  for (const Replacement& each : changes)
    if (each.previous) retiring_.spawn(runtime_.retire(each.previous, kRetireBound));
  co_return Times{.load = loaded - begin, .swap = swapped - loaded};
}

Task<void> RuntimeDeployer::close() {
  Replacements all;
  // Those that call go first.
  if (const auto app = std::exchange(app_, nullptr)) all.push_back({app, nullptr});
  for (Deployed& each : std::exchange(host_plugins_, {})) all.push_back({std::move(each), nullptr});
  if (all.empty()) co_return;
  co_await runtime_.swapTogether(all);
  for (const Replacement& each : all) co_await runtime_.retire(each.previous, Duration::zero());
}

}  // namespace nimbus::dev
