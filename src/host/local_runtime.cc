#include "host/local_runtime.h"

#include <atomic>

#include "engine/import_set.h"
#include "host/component_bindings.h"
#include "host/component_log_sink.h"
#include "host/component_options.h"
#include "host/remote_providers.h"

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
                        .consumer = std::move(import.consumer)});
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
      loader_(control, engine, options_.max_component_bytes, clock),
      providers_(control, options_.providers,
                 std::make_unique<RemoteProviders>(
                     control,
                     [this](net::Shard& shard) -> net::Resolver& {
                       return shards_[shard.index()].runtime->resolver;
                     },
                     log)) {}

Result<std::shared_ptr<WorkloadVolumes>> LocalRuntime::volumesOf(const WorkloadSpec& spec) {
  if (spec.volumes.empty()) return nullptr;
  std::weak_ptr<WorkloadVolumes>& known = volumes_[spec.id()];
  if (auto volumes = known.lock()) {
    TRY_VOID(volumes->add(spec));
    return volumes;
  }
  TRY(auto volumes, WorkloadVolumes::open(spec, options_.volumes_folder));
  known = volumes;
  return volumes;
}

Result<std::vector<BindingUse>> LocalRuntime::bind(const WorkloadSpec& spec,
                                                   std::uint64_t generation,
                                                   const engine::Component& loaded,
                                                   const Members& members,
                                                   engine::GuestContextOptions& guest) {
  const auto log_of = [&](const ComponentSpec& owner) {
    return std::make_shared<ComponentLogSink>(logOf(spec, owner, generation));
  };
  TRY(ComponentBindings bound,
      bindImports({.workload = spec, .generation = generation, .log_of = log_of},
                  wantedImports(loaded, members), providers_, bindings_));
  TRY(guest.imports, engine::ImportSet::create(loaded, importBindings(std::move(bound.imports))));
  return std::move(bound.uses);
}

std::shared_ptr<ComponentLog> LocalRuntime::logOf(const WorkloadSpec& spec,
                                                  const ComponentSpec& component,
                                                  std::uint64_t generation) {
  return std::make_shared<ComponentLog>(ComponentIdentity{spec.id(), component.name, generation},
                                        log_, clock_);
}

Result<std::shared_ptr<ComponentRuntime>> LocalRuntime::assembleComponent(
    const WorkloadSpec& spec, const ComponentSpec& component, std::uint64_t generation,
    std::shared_ptr<const engine::Component> loaded, const Members& members,
    const WorkloadVolumes* volumes) {
  TRY(auto egress, egressPolicyOf(component, options_.egress));
  const CallPolicy policy = callPolicyOf(component, options_.defaults);
  engine::GuestContextOptions guest = contextOptionsOf(spec, component, policy, volumes);
  guest.stdio = options_.stdio;
  std::vector<BindingUse> uses;
  if (loaded) {
    TRY(uses, bind(spec, generation, *loaded, members, guest));
  }
  return std::make_shared<ComponentRuntime>(component.name, std::move(loaded), policy,
                                            std::move(guest), std::move(egress),
                                            logOf(spec, component, generation), std::move(uses));
}

namespace {

// Gives those that others are composed into what they need of these.
void putTogether(const CompositionPlan& plan,
                 const std::vector<std::shared_ptr<ComponentRuntime>>& runtimes) {
  for (const CompositionPlan::Unit& unit : plan.units) {
    ComponentRuntime& root = *runtimes[unit.members.front()];
    for (std::size_t i = 1; i < unit.members.size(); ++i) {
      root.inside.push_back(runtimes[unit.members[i]]);
    }
  }
}

// The component itself and those composed into it, in the order of their slots.
std::vector<const ComponentSpec*> membersOf(const CompositionPlan& plan, const WorkloadSpec& spec,
                                            std::size_t component) {
  std::vector<const ComponentSpec*> members;
  for (const CompositionPlan::Unit& unit : plan.units) {
    if (unit.members.front() != component) continue;
    for (const std::size_t member : unit.members) members.push_back(&spec.components[member]);
  }
  if (members.empty()) members.push_back(&spec.components[component]);
  return members;
}

}  // namespace

Result<std::shared_ptr<Deployment>> LocalRuntime::assemble(std::shared_ptr<const WorkloadSpec> spec,
                                                           std::uint64_t generation,
                                                           WorkloadCode code) {
  TRY(auto volumes, volumesOf(*spec));
  std::vector<std::shared_ptr<ComponentRuntime>> runtimes;
  for (std::size_t i = 0; i < code.components.size(); ++i) {
    if (code.components[i] && !engine::isHttp(code.components[i]->kind())) {
      return fail(ErrorCode::kUnsupported,
                  "component \"" + spec->components[i].name + "\" is of the kind " +
                      std::string(engine::kindName(code.components[i]->kind())) +
                      "; a workload's components must serve HTTP");
    }
    TRY(auto assembled,
        assembleComponent(*spec, spec->components[i], generation, std::move(code.components[i]),
                          membersOf(code.plan, *spec, i), volumes.get()));
    assembled->digest = code.digests[i];
    assembled->links = linkStatuses(code.plan, *spec, i);
    runtimes.push_back(std::move(assembled));
  }
  putTogether(code.plan, runtimes);
  return std::make_shared<LocalDeployment>(std::move(spec), generation, std::move(runtimes),
                                           std::move(volumes), shards_.size());
}

Task<Result<std::shared_ptr<Deployment>>> LocalRuntime::prepare(
    std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation) {
  CO_TRY_VOID(checkRunnable(*spec));
  CO_TRY_VOID(co_await openProviders(spec));
  CO_TRY(WorkloadCode code, co_await loadWorkload(loader_, spec));
  co_return assemble(std::move(spec), generation, std::move(code));
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
  }
  Join::finishOne(join);
}

}  // namespace

Task<void> LocalRuntime::swap(std::shared_ptr<Deployment> previous,
                              std::shared_ptr<Deployment> next) {
  auto old = std::static_pointer_cast<LocalDeployment>(previous);
  auto fresh = std::static_pointer_cast<LocalDeployment>(next);
  if (fresh) fresh->takeEffect();
  auto join = std::make_shared<Join>(control_, shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    serving_[i].post([join, old, fresh, gateway = shards_[i].gateway] {
      gateway->swap(old.get(), fresh);
      Join::finishOne(join);
    });
  }
  co_await join->done().wait();
}

Task<void> LocalRuntime::retire(std::shared_ptr<Deployment> deployment, Duration bound) {
  auto old = std::static_pointer_cast<LocalDeployment>(deployment);
  auto join = std::make_shared<Join>(control_, shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    serving_[i].post([join, old, bound, shard = &shards_[i]] {
      shard->closing->spawn(closeDeployment(old, shard->runtime, bound, join));
    });
  }
  co_await join->done().wait();
}

}  // namespace nimbus::host
