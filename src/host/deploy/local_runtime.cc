#include "host/deploy/local_runtime.h"

#include <algorithm>
#include <atomic>
#include <iterator>

#include "engine/import_set.h"
#include "host/bindings/remote_providers.h"
#include "host/calls/component_log_sink.h"
#include "host/deploy/component_options.h"

namespace nimbus::host {
namespace {

// `members`: the component itself and those composed into it, in the order of their slots.
std::vector<WantedImport> wantedImports(const engine::Component& component,
                                        const std::vector<const ComponentSpec*>& members) {
  std::vector<WantedImport> wanted;
  for (const engine::ComponentImport& import : component.imports()) {
    if (const auto* label = component.findLabel(import.name)) {
      wanted.push_back({members[label->part], label->import_name, label->import_name, import.name});
    } else {
      wanted.push_back({members.front(), import.name, import.interface, import.name});
    }
  }
  return wanted;
}

std::vector<engine::ImportBinding> importBindings(std::vector<BoundImport> bound) {
  std::vector<engine::ImportBinding> bindings;
  for (BoundImport& import : bound)
    bindings.push_back({.import = std::move(import.import.composed_name),
                        .instance = std::move(import.import.interface),
                        .invoker = std::move(import.invoker),
                        .consumer = std::move(import.consumer),
                        .requests = std::move(import.requests)});
  return bindings;
}

// Takes those out of `wanted` that other components serve.
std::vector<engine::ImportBinding> takeCalled(std::vector<WantedImport>& wanted,
                                              const std::vector<CalledImport>& called) {
  std::vector<engine::ImportBinding> bindings;
  std::erase_if(wanted, [&](const WantedImport& import) {
    const auto link = std::ranges::find_if(called, [&](const CalledImport& each) {
      return each.owner == import.owner && each.name == import.name;
    });
    if (link == called.end()) return false;
    bindings.push_back({.import = import.composed_name,
                        .instance = link->export_name,
                        .invoker = link->invoker,
                        .consumer = link->consumer,
                        .requests = link->requests});
    return true;
  });
  return bindings;
}

}  // namespace

LocalRuntime::LocalRuntime(net::Shard& control, net::ShardGroup& serving,
                           std::vector<ServingShard> shards, engine::Engine& engine,
                           LocalRuntimeOptions options, Logger& log, const Clock& clock)
    : control_(control),
      serving_(serving),
      shards_(std::move(shards)),
      options_(std::move(options)),
      log_(log),
      clock_(clock),
      held_back_(std::make_shared<HeldBack>(control)),
      loader_(control, engine, options_.max_component_bytes, clock, options_.read_components),
      code_(control, options_.max_concurrent_starts,
            [this](std::shared_ptr<const WorkloadSpec> spec, Compiling compiling) {
              return loadWorkload(loader_, std::move(spec), compiling);
            }),
      openings_(control, std::max<std::size_t>(1, options_.max_concurrent_starts)),
      images_(control, options_.images),
      volume_root_(std::make_shared<VolumeRoot>(options_.volumes_folder)),
      providers_(control, options_.providers,
                 std::make_unique<RemoteProviders>(
                     control,
                     [this](net::Shard& shard) -> net::Resolver& {
                       return shards_[shard.index()].runtime->resolver;
                     },
                     options_.providers.nats, log),
                 exports_, log),
      service_places_(std::make_shared<ServicePlaces>(shards_.size())),
      volume_watch_(
          control_, log_,
          [this](std::shared_ptr<WorkloadVolumes> volumes, std::string name, std::string why) {
            ending_.spawn(endUsersOf(std::move(volumes), std::move(name), std::move(why)));
          }) {}

Result<std::unique_ptr<VolumeUse>> LocalRuntime::volumesOf(const WorkloadSpec& spec) {
  if (spec.volumes.empty()) return nullptr;
  std::weak_ptr<WorkloadVolumes>& known = volumes_[spec.id()];
  if (const auto volumes = known.lock()) return volumes->use(spec);
  TRY(auto use, WorkloadVolumes::open(spec, volume_root_));
  known = use->all();
  return use;
}

std::shared_ptr<WorkloadSockets> LocalRuntime::socketsOf(const WorkloadSpec& spec) {
  if (!options_.max_outgoing_sockets) return nullptr;
  std::weak_ptr<WorkloadSockets>& known = sockets_[spec.id()];
  auto sockets = known.lock();
  if (!sockets) {
    sockets = std::make_shared<WorkloadSockets>(*options_.max_outgoing_sockets);
    known = sockets;
  }
  return sockets;
}

Result<std::vector<BindingUse>> LocalRuntime::bind(
    const WorkloadSpec& spec, std::uint64_t generation, const engine::Component& loaded,
    const Members& members, std::vector<CalledImport> called, engine::GuestContextOptions& guest) {
  const auto log_of = [&](const ComponentSpec& owner) {
    return std::make_shared<ComponentLogSink>(logOf(spec, owner, generation));
  };
  std::vector<WantedImport> wanted = wantedImports(loaded, members);
  std::vector<engine::ImportBinding> linked = takeCalled(wanted, called);
  TRY(ComponentBindings bound,
      bindImports({.workload = spec, .generation = generation, .calls = calls_, .log_of = log_of},
                  wanted, providers_, bindings_));
  std::ranges::move(importBindings(std::move(bound.imports)), std::back_inserter(linked));
  TRY(guest.imports, engine::ImportSet::create(loaded, std::move(linked)));
  return std::move(bound.uses);
}

std::shared_ptr<ComponentLog> LocalRuntime::logOf(const WorkloadSpec& spec,
                                                  const ComponentSpec& component,
                                                  std::uint64_t generation) {
  return std::make_shared<ComponentLog>(ComponentIdentity{spec.id(), component.name, generation},
                                        log_, clock_, held_back_);
}

Result<std::shared_ptr<ComponentRuntime>> LocalRuntime::assembleComponent(
    const WorkloadSpec& spec, const ComponentSpec& component, std::uint64_t generation,
    std::shared_ptr<const engine::Component> loaded, const Members& members,
    const Together& together, std::vector<CalledImport> called) {
  TRY(auto egress, egressPolicyOf(component, options_.egress, loopbackOf(spec, component)));
  const bool is_service = spec.service && &component == &spec.service->component;
  const CallPolicy policy = is_service ? servicePolicyOf(*spec.service, *loaded, options_.defaults)
                                       : callPolicyOf(component, options_.defaults);
  if (loaded) {
    const std::string who = spec.describe(component);
    TRY_VOID(checkSize(who, *loaded, policy));
    TRY_VOID(checkConcurrency(who, *loaded, policy));
  }
  engine::GuestContextOptions guest = contextOptionsOf(spec, component, policy, together.volumes);
  guest.network = together.network;
  guest.lookup_timeout = options_.egress.resolve_timeout;
  std::vector<BindingUse> uses;
  if (loaded) {
    TRY(uses, bind(spec, generation, *loaded, members, std::move(called), guest));
  }
  return std::make_shared<ComponentRuntime>(
      component.name, std::move(loaded), policy, std::move(guest), std::move(egress),
      logOf(spec, component, generation), std::move(uses), options_.sockets, socketsOf(spec));
}

Result<void> LocalRuntime::claimVolumes() {
  if (options_.volumes_folder.empty()) return {};
  TRY_VOID(volume_root_->folder());
  return {};
}

Task<Result<void>> LocalRuntime::openProviders(std::shared_ptr<const WorkloadSpec> spec) {
  if (spec->host_interfaces.empty()) co_return Result<void>();
  const Permit permit = co_await openings_.acquire();
  co_return co_await providers_.open(std::move(spec));
}

Task<Result<std::shared_ptr<Deployment>>> LocalRuntime::prepare(
    std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation) {
  return prepareOf(spec, generation, code_.load(spec));
}

Task<Result<std::shared_ptr<Deployment>>> LocalRuntime::prepareOf(
    std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation,
    Task<Result<WorkloadCode>> loading) {
  CO_TRY_VOID(checkRunnable(*spec));
  CO_TRY_VOID(co_await openProviders(spec));
  CO_TRY(WorkloadCode code, co_await std::move(loading));
  co_return assemble(std::move(spec), generation, std::move(code));
}

namespace {

class Announced {
 public:
  explicit Announced(WorkloadExports& exports) : exports_(exports) {}
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;
  ~Announced() { exports_.forgetAnnounced(); }
  void add(const LocalDeployment& deployment) {
    exports_.announce(deployment.spec().id(), deployment.offered());
  }

 private:
  WorkloadExports& exports_;
};

}  // namespace

// One that fails may find what it needs once another one is there.
Task<Result<std::vector<std::shared_ptr<Deployment>>>> LocalRuntime::prepareTogether(
    std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) {
  Announced announced(exports_);
  std::vector<std::shared_ptr<Deployment>> all(specs.size());
  for (;;) {
    std::optional<Error> problem;
    bool moved = false;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      if (all[i]) continue;
      auto prepared = co_await prepareOf(specs[i], generation,
                                         loadWorkload(loader_, specs[i], Compiling::everything()));
      if (!prepared) {
        if (!problem) problem = std::move(prepared).error();
        continue;
      }
      all[i] = *std::move(prepared);
      announced.add(static_cast<const LocalDeployment&>(*all[i]));
      moved = true;
    }
    if (!problem) co_return all;
    if (!moved) co_return std::unexpected(*std::move(problem));
  }
}

namespace {

// Waits on the control shard for work on all serving shards. Shared with them, because they may
// finish after the waiting task was given up.
class Join {
 public:
  Join(net::Shard& control, std::size_t parts) : control_(control), left_(parts) {}
  static void finishOne(const std::shared_ptr<Join>& join) {
    if (join->left_.fetch_sub(1) == 1) join->control_.post([join] { join->done_.set(); });
  }
  Event& done() { return done_; }

 private:
  net::Shard& control_;
  std::atomic<std::size_t> left_;
  Event done_;
};

// Ends a deployment's part on a shard, also if the task that waits for it is cancelled.
struct DropOnShard {
  LocalDeployment& deployment;
  std::size_t shard_index;
  ~DropOnShard() { deployment.dropOn(shard_index); }
};

Task<void> closeDeployment(std::shared_ptr<LocalDeployment> deployment, ShardRuntime* shard,
                           Duration bound, std::shared_ptr<Join> join) {
  {
    const DropOnShard drop{*deployment, shard->shard.index()};
    co_await deployment->closeOn(*shard, bound);
    // Connections that were opened by its rules are not for whoever has the name next.
    shard->client.forget(deployment->spec().id());
  }
  Join::finishOne(join);
}

}  // namespace

std::shared_ptr<Service> LocalRuntime::makeService(const ServiceSpec& spec,
                                                   std::shared_ptr<ComponentRuntime> component,
                                                   std::vector<LedPort> ports) {
  auto place = service_places_->take();
  ShardRuntime& shard = *shards_[*place].runtime;
  Service::Options options{.restarts = {.most = spec.max_restarts}, .ports = std::move(ports)};
  if (const auto& limit = spec.component.local_resources.cpu_limit_ms)
    options.cpu_limit = std::chrono::milliseconds(*limit);
  return std::make_shared<Service>(
      Service::Environment{control_, std::move(place), shard, clock_, service_listener_},
      std::move(component), std::move(options));
}

Task<void> LocalRuntime::stopService(std::shared_ptr<LocalDeployment> deployment) {
  auto join = std::make_shared<Join>(control_, 1);
  serving_[deployment->runner()->shardIndex()].post([join, deployment] {
    deployment->runner()->stop();
    Join::finishOne(join);
  });
  co_await join->done().wait();
}

void LocalRuntime::startService(const std::shared_ptr<LocalDeployment>& deployment) {
  std::erase_if(with_service_, [](const auto& started) { return started.expired(); });
  with_service_.push_back(deployment);
  const std::size_t index = deployment->runner()->shardIndex();
  serving_[index].post(
      [deployment, shard = shards_[index].runtime] { deployment->startService(*shard); });
}

void LocalRuntime::stopServices() {
  for (const auto& started : with_service_) {
    const auto deployment = started.lock();
    if (!deployment) continue;
    serving_.runOn(deployment->runner()->shardIndex(),
                   [&](net::Shard&) { deployment->runner()->stop(); });
  }
}

void LocalRuntime::watchVolumes(const std::shared_ptr<LocalDeployment>& deployment) {
  VolumeUse* const use = deployment->volumes();
  if (use == nullptr || !use->namesAny()) return;
  use->limit(options_.volume_bytes);
  auto& users = with_volumes_[use->all()->workload()].all;
  std::erase_if(users, [](const auto& user) { return user.expired(); });
  users.push_back(deployment);
  volume_watch_.add(use->all());
}

// One that uses that volume and has not been ended.
std::shared_ptr<LocalDeployment> LocalRuntime::userOf(const WorkloadVolumes& volumes,
                                                      std::string_view name) {
  for (const auto& user : with_volumes_[volumes.workload()].all) {
    const auto deployment = user.lock();
    if (!deployment || deployment->ended()) continue;
    const VolumeUse& use = *deployment->volumes();
    if (use.all().get() == &volumes && use.names(name)) return deployment;
  }
  return nullptr;
}

Task<void> LocalRuntime::end(std::shared_ptr<LocalDeployment> deployment, std::string why) {
  deployment->markEnded();
  auto join = std::make_shared<Join>(control_, shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    serving_[i].post([join, deployment, i, why] {
      deployment->endOn(i, why);
      Join::finishOne(join);
    });
  }
  co_await join->done().wait();
}

Task<void> LocalRuntime::endUsersOf(std::shared_ptr<WorkloadVolumes> volumes, std::string name,
                                    std::string why) {
  const std::string workload = volumes->workload();
  while (const auto deployment = userOf(*volumes, name)) {
    co_await end(deployment, why);
    // Only now: whoever hears of it finds no shard that still serves it.
    if (tell_ended_) tell_ended_({workload, deployment->generation(), why});
  }
  for (const std::string& unused : volumes->names()) {
    if (userOf(*volumes, unused)) continue;
    if (const auto cleared = volumes->clear(unused); !cleared)
      log_.error("volumes cannot be cleared",
                 {{"workload", workload}, {"error", cleared.error().describe()}});
  }
}

Task<void> LocalRuntime::swapTogether(std::vector<Replacement> replacements) {
  std::vector<RouteChange> changes;
  for (const auto& [previous, next] : replacements)
    changes.push_back({std::static_pointer_cast<LocalDeployment>(previous),
                       std::static_pointer_cast<LocalDeployment>(next)});
  for (const auto& [old, fresh] : changes) {
    // One that requests still come to goes when it has answered them.
    if (old && old->runner() != nullptr && !old->isServedByService()) co_await stopService(old);
    if (old) old->endEffect();
    if (fresh) {
      fresh->takeEffect();
      exports_.publish(fresh->spec().id(), fresh->offered());
    } else if (old) {
      exports_.withdraw(old->spec().id());
      // If it comes back it gets others, even while requests still use these.
      volumes_[old->spec().id()].reset();
    }
    if (fresh) watchVolumes(fresh);
    if (fresh && fresh->runner() != nullptr) startService(fresh);
  }
  auto join = std::make_shared<Join>(control_, shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    serving_[i].post([join, changes, gateway = shards_[i].gateway] {
      gateway->change(changes);
      Join::finishOne(join);
    });
  }
  co_await join->done().wait();
}

Task<void> LocalRuntime::retire(std::shared_ptr<Deployment> deployment, Duration bound) {
  auto old = std::static_pointer_cast<LocalDeployment>(deployment);
  old->retire();
  auto join = std::make_shared<Join>(control_, shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    serving_[i].post([join, old, bound, shard = &shards_[i]] {
      shard->closing->spawn(closeDeployment(old, shard->runtime, bound, join));
    });
  }
  co_await join->done().wait();
}

}  // namespace nimbus::host
