#include "host/deploy/workload_assembly.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::host {
namespace {

std::shared_ptr<const engine::PrivateNetwork> networkOf(const WorkloadSpec& spec) {
  if (!spec.service) return nullptr;
  return std::make_shared<engine::PrivateNetwork>(spec.service->max_inbound_connections);
}

}  // namespace

LocalRuntime::Assembly::Assembly(LocalRuntime& runtime, const WorkloadSpec& spec,
                                 std::uint64_t generation, const WorkloadCode& code,
                                 const WorkloadVolumes* volumes)
    : runtime_(runtime),
      spec_(spec),
      generation_(generation),
      code_(code),
      together_{volumes, networkOf(spec)},
      made_(spec.memberCount()) {}

// Before any component is made: who would close a cycle by way of other workloads is told so.
Result<void> LocalRuntime::Assembly::noteCalls() {
  for (const ComponentLink& link : code_.plan.links) {
    TRY(auto call, runtime_.calls_.add({spec_.id(), generation_, spec_.member(link.importer).name},
                                       {spec_.id(), spec_.member(link.exporter).name}));
    calls_.emplace(link.importer, std::move(call));
  }
  return {};
}

std::vector<OfferedComponent> LocalRuntime::Assembly::offered() {
  std::vector<OfferedComponent> all;
  for (std::size_t i = 0; i < spec_.components.size(); ++i) {
    const auto& code = code_.components[i];
    const bool callable = code != nullptr && offersInterfaces(*code);
    all.push_back({spec_.components[i].name, callable ? invokerOf(i) : nullptr, code});
  }
  return all;
}

Result<void> LocalRuntime::Assembly::run() {
  TRY_VOID(noteCalls());
  for (std::size_t i = 0; i < made_.size(); ++i) {
    TRY_VOID(checkKind(i));
    TRY_VOID(make(i));
  }
  return {};
}

Result<void> LocalRuntime::Assembly::checkKind(std::size_t component) const {
  const auto& loaded = code_.components[component];
  if (spec_.isService(component)) return checkService(spec_, loaded->info());
  const auto unit = std::ranges::find_if(code_.plan.units, [&](const CompositionPlan::Unit& each) {
    return each.from_outside && each.members.front() == component;
  });
  if (!loaded || unit == code_.plan.units.end() || engine::isHttp(loaded->kind())) return {};
  const bool routed = std::ranges::find(spec_.routes, spec_.components[component].name,
                                        &RouteSpec::component) != spec_.routes.end();
  if (loaded->kind() == engine::ComponentKind::kLibrary && !routed && offersInterfaces(*loaded))
    return {};
  const bool runs = !loaded->info().run_version.empty();
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("component {} is of the kind {}; a workload's components must serve HTTP{}",
                  inQuotes(spec_.components[component].name), engine::kindName(loaded->kind()),
                  runs ? ", and what is to keep running is its service" : ""));
}

std::vector<std::size_t> LocalRuntime::Assembly::membersOf(std::size_t component) const {
  for (const CompositionPlan::Unit& unit : code_.plan.units) {
    if (unit.members.front() == component) return unit.members;
  }
  return {component};
}

// Links form no cycle, so this comes to an end.
Result<void> LocalRuntime::Assembly::make(std::size_t component) {
  if (made_[component]) return {};
  const std::vector<std::size_t> members = membersOf(component);
  std::vector<const ComponentSpec*> member_specs;
  for (const std::size_t member : members) member_specs.push_back(&spec_.member(member));
  std::vector<CalledImport> called;
  if (code_.components[component]) {
    TRY(called, calledImports(members));
  }
  TRY(auto made, runtime_.assembleComponent(spec_, spec_.member(component), generation_,
                                            code_.components[component], member_specs, together_,
                                            std::move(called)));
  made->digest = code_.digests[component];
  made->links = linkStatuses(code_.plan, spec_, component);
  const auto [begin, end] = calls_.equal_range(component);
  for (auto call = begin; call != end; ++call) made->calls.push_back(std::move(call->second));
  for (std::size_t i = 1; i < members.size(); ++i) {
    TRY_VOID(make(members[i]));
    made->inside.push_back(made_[members[i]]);
  }
  made_[component] = std::move(made);
  return {};
}

Result<std::vector<CalledImport>> LocalRuntime::Assembly::calledImports(
    const std::vector<std::size_t>& members) {
  std::vector<CalledImport> called;
  for (const ComponentLink& link : code_.plan.links) {
    if (link.called_because.empty()) continue;
    if (std::ranges::find(members, link.importer) == members.end()) continue;
    TRY_VOID(make(link.exporter));
    CalledImport import{.owner = &spec_.member(link.importer),
                        .name = link.import_name,
                        .export_name = link.export_name,
                        .invoker = nullptr,
                        .consumer = nullptr,
                        .requests = nullptr};
    if (isHttpHandler(wit::parseInterfaceName(link.export_name))) {
      import.requests = handlerOf(link);
    } else {
      import.invoker = invokerOf(link.exporter);
      import.consumer = consumerOf(link);
    }
    called.push_back(std::move(import));
  }
  return called;
}

std::vector<ShardRuntime*> LocalRuntime::Assembly::shards() const {
  std::vector<ShardRuntime*> shards;
  for (const ServingShard& shard : runtime_.shards_) shards.push_back(shard.runtime);
  return shards;
}

std::shared_ptr<LinkedHandler> LocalRuntime::Assembly::handlerOf(const ComponentLink& link) {
  const auto name = wit::parseInterfaceName(link.export_name);
  return handlers_.emplace_back(std::make_shared<LinkedHandler>(LinkedHandler::Options{
      .called = link.exporter,
      .shards = shards(),
      .failures = name.interface == "wasi:http/handler" ? FailuresAs::kErrorCodes
                                                        : FailuresAs::kResponses}));
}

std::shared_ptr<wrpc::Invoker> LocalRuntime::Assembly::invokerOf(std::size_t component) {
  std::shared_ptr<wrpc::Invoker>& invoker = invokers_[component];
  if (!invoker) {
    called_.push_back(std::make_shared<CalledComponent>(made_[component], shards(),
                                                        spec_.member(component).shared));
    invoker = CalledComponent::invokerOf(called_.back(), runtime_.log_);
  }
  return invoker;
}

std::shared_ptr<const wrpc::Consumer> LocalRuntime::Assembly::consumerOf(
    const ComponentLink& link) {
  auto& consumer = consumers_[{link.importer, link.exporter}];
  if (!consumer) {
    wrpc::Consumer made;
    made.workload = spec_.id();
    made.component = spec_.member(link.importer).name;
    made.binding = fmt::format("{}/{}/component:{}", made.workload, made.component,
                               spec_.member(link.exporter).name);
    consumer = std::make_shared<const wrpc::Consumer>(std::move(made));
  }
  return consumer;
}

Result<std::shared_ptr<Deployment>> LocalRuntime::assemble(std::shared_ptr<const WorkloadSpec> spec,
                                                           std::uint64_t generation,
                                                           WorkloadCode code) {
  TRY(auto volumes, volumesOf(*spec));
  Assembly assembly(*this, *spec, generation, code, volumes ? volumes->all().get() : nullptr);
  TRY_VOID(assembly.run());
  auto offered = assembly.offered();
  auto components = assembly.takeComponents();
  TRY(std::vector<LedPort> ports, ports_.open(*spec));
  auto service =
      spec->service ? makeService(*spec->service, components.back(), std::move(ports)) : nullptr;
  auto deployment = std::make_shared<LocalDeployment>(
      std::move(spec), generation, std::move(components), assembly.takeCalled(), std::move(offered),
      std::move(service), std::move(volumes), shards_.size());
  for (const auto& handler : assembly.takeHandlers()) handler->belongTo(deployment);
  return deployment;
}

}  // namespace nimbus::host
