#include "host/calls/local_deployment.h"

#include <algorithm>

#include "base/race.h"

namespace nimbus::host {

LocalDeployment::LocalDeployment(std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation,
                                 std::vector<std::shared_ptr<ComponentRuntime>> components,
                                 std::vector<std::shared_ptr<CalledComponent>> called,
                                 std::vector<OfferedComponent> offered,
                                 std::shared_ptr<Service> service,
                                 std::unique_ptr<VolumeUse> volumes, std::size_t shard_count)
    : spec_(std::move(spec)),
      generation_(generation),
      components_(std::move(components)),
      called_(std::move(called)),
      offered_(std::move(offered)),
      service_(std::move(service)),
      volumes_(std::move(volumes)),
      shards_(shard_count),
      loads_(components_.size()) {
  if (shard_count == 1) return;
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (!components_[i]->component || components_[i]->policy.pool_size == 0) continue;
    loads_[i] = std::make_unique<Load[]>(shard_count);
    for (std::size_t shard = 0; shard < shard_count; ++shard)
      loads_[i][shard].room = roomOn(i, shard);
  }
}

ComponentStatus LocalDeployment::statusOf(const ComponentRuntime& component) {
  const CallCounters& counters = component.counters;
  return {.name = component.name,
          .digest = component.digest,
          .kind = component.component ? std::string(engine::kindName(component.component->kind()))
                                      : "inside",
          .links = component.links,
          .instances = counters.instances.load(std::memory_order_relaxed),
          .calls_in_flight = counters.in_flight.load(std::memory_order_relaxed),
          .calls_queued = counters.queued.load(std::memory_order_relaxed),
          .calls_total = counters.total.load(std::memory_order_relaxed),
          .failures_total = counters.failures.load(std::memory_order_relaxed),
          .bindings = component.bindingStatus()};
}

std::vector<ComponentStatus> LocalDeployment::components() const {
  std::vector<ComponentStatus> all;
  for (std::size_t i = 0; i < spec_->components.size(); ++i)
    all.push_back(statusOf(*components_[i]));
  return all;
}

std::optional<ServiceStatus> LocalDeployment::service() const {
  if (!service_) return std::nullopt;
  return ServiceStatus{statusOf(*components_.back()), service_->progress()};
}

std::size_t LocalDeployment::componentIndex(const std::string& name) const {
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (components_[i]->name == name) return i;
  }
  return 0;
}

std::uint32_t LocalDeployment::warmOn(std::size_t component, std::size_t shard_index) const {
  const std::uint32_t all = components_[component]->policy.pool_size;
  const auto shards = static_cast<std::uint32_t>(shards_.size());
  // Components begin at different shards, so that those with one instance do not crowd the first.
  const auto turn =
      static_cast<std::uint32_t>((shard_index + component + spec_->name.size()) % shards);
  return all / shards + (turn < all % shards ? 1 : 0);
}

bool LocalDeployment::isServedByService() const {
  return service_ && service_->servesHttp() &&
         std::ranges::find(spec_->routes, spec_->service->component.name, &RouteSpec::component) !=
             spec_->routes.end();
}

std::uint32_t LocalDeployment::roomOn(std::size_t component, std::size_t shard_index) const {
  const ComponentRuntime& runtime = *components_[component];
  const bool overlaps = runtime.component->kind() == engine::ComponentKind::kHttpP3;
  return warmOn(component, shard_index) *
         (overlaps ? std::max(1U, runtime.policy.max_concurrency) : 1);
}

std::size_t LocalDeployment::leastBusy(const Load* loads, std::size_t here) const {
  struct Calls {
    std::uint64_t now;
    std::uint64_t room;
  };
  const auto at = [&](std::size_t index) -> Calls {
    return {loads[index].calls.load(std::memory_order_relaxed), loads[index].room};
  };
  const Calls own = at(here);
  if (own.now < own.room) return here;
  std::size_t best = here;
  Calls least = own;
  for (std::size_t i = 1; i < shards_.size(); ++i) {
    const std::size_t index = (here + i) % shards_.size();
    const Calls other = at(index);
    if (other.room == 0) continue;
    if (least.room > 0 && other.now * least.room >= least.now * other.room) continue;
    best = index;
    least = other;
  }
  if (own.room == 0) return best;
  // To cross costs both shards: where all are busy it is worth that only if it waits half as long.
  const bool has_room = least.now < least.room;
  return has_room || 2 * least.now * own.room <= own.now * least.room ? best : here;
}

LocalDeployment::Place LocalDeployment::placeFor(std::size_t component, std::size_t here) {
  if (isService(component)) return Place(service_->shardIndex());
  Load* const loads = loads_[component].get();
  if (loads == nullptr || retiring_.load(std::memory_order_relaxed)) return Place(here);
  const std::size_t best = leastBusy(loads, here);
  return {best, loads[best].calls, loads[here].room > 0};
}

Result<ShardComponent*> LocalDeployment::local(ShardRuntime& shard, std::size_t component) {
  OnShard& here = shards_[shard.shard.index()];
  if (here.components.empty()) here.components.resize(components_.size());
  std::unique_ptr<ShardComponent>& made = here.components[component];
  if (!made && isService(component)) {
    TRY(made, ShardComponent::createService(shard, components_[component]));
  } else if (!made) {
    TRY(made, ShardComponent::create(shard, components_[component],
                                     warmOn(component, shard.shard.index())));
  }
  return made.get();
}

void LocalDeployment::startService(ShardRuntime& shard) {
  service_->start([this, &shard]() -> Result<ServicePool*> {
    TRY(ShardComponent* const component, local(shard, components_.size() - 1));
    return component->servicePool();
  });
}

LocalDeployment::Use::Use(LocalDeployment& deployment, net::Shard& shard)
    : deployment_(deployment), shard_(shard) {
  OnShard& here = deployment_.shards_[shard_.index()];
  here.uses += 1;
  here.unused.clear();
}

LocalDeployment::Use::~Use() {
  OnShard& here = deployment_.shards_[shard_.index()];
  here.uses -= 1;
  if (here.uses > 0) return;
  here.telling = true;
  shard_.defer(here);
}

Task<void> LocalDeployment::drainOn(std::size_t shard_index) {
  OnShard& here = shards_[shard_index];
  // The service ends with its own requests, whatever else is under way: that may be its own doing.
  if (service_ && !here.components.empty() && here.components.back())
    co_await here.components.back()->drain();
  // What a guest still does may be a request to another component.
  do {
    while (here.inUse()) co_await here.unused.wait();
    for (const auto& component : here.components) {
      if (component) co_await component->drain();
    }
  } while (here.inUse());
  stopServiceOn(shard_index);
  here.components.clear();  // callers go first
  for (const auto& called : called_) co_await called->idleOn(shard_index);
}

Task<void> LocalDeployment::closeOn(ShardRuntime& shard, Duration bound) {
  const std::size_t index = shard.shard.index();
  co_await withTimeout(drainOn(index), shard.shard.sleepFor(bound));
  // Not two services for longer than that, whatever requests are on the old one.
  stopServiceOn(index);
  // Requests that are still here keep their parts until they end by their own limits; no component
  // begins another.
  shards_[index].dropped = true;
  while (shards_[index].inUse()) co_await shards_[index].unused.wait();
  dropOn(index);
}

void LocalDeployment::stopServiceOn(std::size_t shard_index) {
  if (service_ && service_->shardIndex() == shard_index) service_->stop();
}

void LocalDeployment::dropOn(std::size_t shard_index) {
  stopServiceOn(shard_index);
  shards_[shard_index].dropped = true;
  shards_[shard_index].work.cancelAll();
  shards_[shard_index].components.clear();  // callers go first
  for (const auto& called : called_) called->dropOn(shard_index);
}

void LocalDeployment::endOn(std::size_t shard_index, const std::string& why) {
  stopServiceOn(shard_index);
  OnShard& here = shards_[shard_index];
  here.dropped = true;
  for (const auto& component : here.components)
    if (component) component->pool().endCalls(why);
  for (const auto& called : called_) called->dropOn(shard_index);
}

}  // namespace nimbus::host
