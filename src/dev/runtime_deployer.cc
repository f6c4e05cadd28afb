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

RuntimeDeployer::Deployed RuntimeDeployer::replace(Deployed next, bool is_app) {
  if (is_app) return std::exchange(app_, std::move(next));
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

class RuntimeDeployer::Hold {
 public:
  explicit Hold(RuntimeDeployer& deployer) : deployer_(deployer) { ++deployer_.holds_; }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (--deployer_.holds_ == 0 && !deployer_.closing_)
      deployer_.retiring_.spawn(deployer_.withdrawUnwanted());
  }

 private:
  RuntimeDeployer& deployer_;
};

Task<Result<Deployer::Times>> RuntimeDeployer::deploy(
    std::shared_ptr<const DevWorkloads> workloads) {
  const Hold hold(*this);
  const TimePoint begin = clock_.now();
  std::vector<Spec> specs;
  for (const host::WorkloadSpec& spec : workloads->host_plugins)
    specs.emplace_back(workloads, &spec);
  specs.emplace_back(workloads, &workloads->app);
  std::vector<Spec> due;
  for (const Spec& spec : specs)
    if (!serves(*spec)) due.push_back(spec);
  // Whether the app can go on with what is another is found by preparing it, too.
  const bool app_stays = due.empty() || due.back() != specs.back();
  if (app_stays && !due.empty()) due.push_back(specs.back());
  CO_TRY(auto prepared, co_await runtime_.prepareTogether(due, generation_ + 1));
  if (app_stays && !prepared.empty()) prepared.pop_back();
  generation_ += 1;
  const TimePoint loaded = clock_.now();

  std::vector<Replacement> changes;
  for (Deployed& next : prepared) {
    Deployed previous = replace(next, next->spec().id() == workloads->app.id());
    changes.push_back({std::move(previous), std::move(next)});
  }
  wantOnly(specs);
  for (const Replacement& each : changes)
    if (each.previous) leaving_.push_back(each.previous);
  if (!changes.empty()) co_await runtime_.swapTogether(changes);
  const TimePoint swapped = clock_.now();
  retireReplaced(changes);
  co_return Times{.load = loaded - begin, .swap = swapped - loaded};
}

// From its first step on it comes to its end without this.
void RuntimeDeployer::retire(const Deployed& deployment) {
  std::erase(leaving_, deployment);
  retiring_.spawn(runtime_.retire(deployment, kRetireBound));
}

void RuntimeDeployer::retireReplaced(const std::vector<Replacement>& changes) {
  for (const Replacement& each : changes) {
    if (!each.previous) continue;
    if (each.next == app_) {
      retiring_.spawn(retireApp(each.previous));
    } else {
      retire(each.previous);
    }
  }
}

Task<void> RuntimeDeployer::retireApp(Deployed previous) {
  const Hold hold(*this);
  std::erase(leaving_, previous);
  co_await runtime_.retire(std::move(previous), kRetireBound);
}

Task<void> RuntimeDeployer::withdrawUnwanted() {
  std::vector<Replacement> changes;
  for (const HostPlugin& each : host_plugins_) {
    if (each.wanted) continue;
    changes.push_back({each.deployment, nullptr});
    leaving_.push_back(each.deployment);
  }
  if (changes.empty()) co_return;
  std::erase_if(host_plugins_, [](const HostPlugin& each) { return !each.wanted; });
  co_await runtime_.swapTogether(changes);
  if (closing_) co_return;
  for (const Replacement& each : changes) retire(each.previous);
}

Task<void> RuntimeDeployer::close() {
  closing_ = true;
  std::vector<Replacement> all;
  // Those that call go first.
  if (auto app = std::exchange(app_, nullptr)) all.push_back({std::move(app), nullptr});
  for (HostPlugin& each : std::exchange(host_plugins_, {}))
    all.push_back({std::move(each.deployment), nullptr});
  if (!all.empty()) co_await runtime_.swapTogether(all);
  for (Deployed& each : std::exchange(leaving_, {})) all.push_back({std::move(each), nullptr});
  for (const Replacement& each : all) co_await runtime_.retire(each.previous, Duration::zero());
}

}  // namespace nimbus::dev
