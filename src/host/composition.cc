#include "host/composition.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "host/text_rules.h"

namespace nimbus::host {
namespace {

using Infos = std::span<const wit::ComponentInfo>;

constexpr std::size_t kMaxMembers = 16;  // slots in one store

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message));
}

std::string nameOf(const WorkloadSpec& spec, std::size_t index) {
  return inQuotes(spec.components[index].name);
}

bool isIn(const std::vector<std::size_t>& components, std::size_t component) {
  return std::ranges::find(components, component) != components.end();
}

bool servesHttp(const wit::ComponentInfo& info) {
  return !info.handler_version.empty() || !info.incoming_handler_version.empty();
}

bool isLinkedTo(const std::vector<ComponentLink>& links, std::size_t component) {
  return std::ranges::find(links, component, &ComponentLink::exporter) != links.end();
}

bool hasRoute(const WorkloadSpec& spec, std::size_t component) {
  const std::string& name = spec.components[component].name;
  return std::ranges::find(spec.routes, name, &RouteSpec::component) != spec.routes.end();
}

// The first component of a cycle of links that `from` can reach, by depth first.
std::optional<std::size_t> cycleFrom(const std::vector<ComponentLink>& links, std::size_t from,
                                     std::vector<char>& state) {
  enum : char { kNew, kOpen, kClosed };
  state[from] = kOpen;
  for (const ComponentLink& link : links) {
    if (link.importer != from) continue;
    if (state[link.exporter] == kOpen) return link.exporter;
    if (state[link.exporter] == kClosed) continue;
    if (const auto found = cycleFrom(links, link.exporter, state)) return found;
  }
  state[from] = kClosed;
  return std::nullopt;
}

Result<void> checkCycles(const WorkloadSpec& spec, const std::vector<ComponentLink>& links) {
  std::vector<char> state(spec.components.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (state[i] != 0) continue;
    if (const auto found = cycleFrom(links, i, state)) {
      return unsupported(
          fmt::format("the components call each other in a cycle, of which {} is part, and so "
                      "cannot be composed; this host cannot link them otherwise yet",
                      nameOf(spec, *found)));
    }
  }
  return {};
}

// Whether calls of the component are for others than the workload's own.
Result<bool> isRoot(const WorkloadSpec& spec, Infos infos, const std::vector<ComponentLink>& links,
                    std::size_t index) {
  const wit::ComponentInfo& info = infos[index];
  if (!isLinkedTo(links, index) || hasRoute(spec, index)) {
    if (servesHttp(info)) return true;
    if (!info.run_version.empty()) {
      return unsupported(
          fmt::format("component {} exports wasi:cli/run; a workload's components must serve HTTP",
                      nameOf(spec, index)));
    }
    if (hasRoute(spec, index)) {
      return unsupported(
          fmt::format("component {} has a route and does not serve HTTP", nameOf(spec, index)));
    }
    return unsupported(
        fmt::format("component {} does not serve HTTP, and no component imports what it exports",
                    nameOf(spec, index)));
  }
  return false;
}

std::vector<std::size_t> membersOf(const std::vector<ComponentLink>& links, std::size_t root) {
  std::vector<std::size_t> members{root};
  for (std::size_t next = 0; next < members.size(); ++next) {
    for (const ComponentLink& link : links) {
      if (link.importer == members[next] && !isIn(members, link.exporter))
        members.push_back(link.exporter);
    }
  }
  return members;
}

template <typename Value>
bool isOwn(const std::optional<Value>& member, const std::optional<Value>& root) {
  return member.has_value() && member != root;
}

// The key of the manifest by which `member` cannot share instances with `root`; empty if it can.
std::string_view ownPolicy(const ComponentSpec& root, const ComponentSpec& member) {
  if (member.pool_size != root.pool_size) return "poolSize";
  if (member.max_invocations != root.max_invocations) return "maxInvocations";
  if (member.max_concurrency != root.max_concurrency) return "maxConcurrency";
  return {};
}

// The same for a limit.
std::string_view ownLimit(const ComponentSpec& root, const ComponentSpec& member) {
  const LocalResources& ours = root.local_resources;
  const LocalResources& theirs = member.local_resources;
  if (isOwn(theirs.memory_limit_mb, ours.memory_limit_mb)) return "memoryLimitMb";
  if (isOwn(theirs.cpu_limit_ms, ours.cpu_limit_ms)) return "cpuLimit";
  if (isOwn(member.timeout_ms, root.timeout_ms)) return "timeout";
  if (isOwn(member.idle_timeout_ms, root.idle_timeout_ms)) return "idleTimeout";
  if (isOwn(member.max_instances, root.max_instances)) return "maxInstances";
  if (isOwn(member.max_queue, root.max_queue)) return "maxQueue";
  if (isOwn(member.queue_timeout_ms, root.queue_timeout_ms)) return "queueTimeout";
  return {};
}

Result<void> checkUnit(const WorkloadSpec& spec, const CompositionPlan::Unit& unit) {
  const std::size_t root = unit.members.front();
  const auto refuse = [&](std::size_t member, std::string why) {
    return unsupported(fmt::format(
        "component {} is called by way of {} and cannot be composed with it, because {}; this host "
        "cannot link them otherwise yet",
        nameOf(spec, member), nameOf(spec, root), why));
  };
  for (const std::size_t member : unit.members) {
    const ComponentSpec& ours = spec.components[root];
    const ComponentSpec& theirs = spec.components[member];
    if (const auto key = ownPolicy(ours, theirs); !key.empty())
      return refuse(member, fmt::format("the two keep instances differently ({})", key));
    if (const auto key = ownLimit(ours, theirs); !key.empty())
      return refuse(member, fmt::format("it has a limit of its own ({})", key));
  }
  if (unit.members.size() > kMaxMembers) {
    return refuse(unit.members[kMaxMembers],
                  fmt::format("more than {} components would be one", kMaxMembers));
  }
  return {};
}

}  // namespace

Result<CompositionPlan> planComposition(const WorkloadSpec& spec, Infos infos) {
  CompositionPlan plan;
  TRY(plan.links, linkComponents(spec, infos));
  TRY_VOID(checkCycles(spec, plan.links));
  for (std::size_t i = 0; i < infos.size(); ++i) {
    TRY(const bool root, isRoot(spec, infos, plan.links, i));
    if (!root) continue;
    CompositionPlan::Unit unit{membersOf(plan.links, i)};
    TRY_VOID(checkUnit(spec, unit));
    plan.units.push_back(std::move(unit));
  }
  return plan;
}

std::vector<LinkStatus> linkStatuses(const CompositionPlan& plan, const WorkloadSpec& spec,
                                     std::size_t component) {
  std::vector<LinkStatus> statuses;
  for (const ComponentLink& link : plan.links) {
    if (link.importer != component) continue;
    statuses.push_back({link.import_name, spec.components[link.exporter].name, "composed",
                        "of one workload, in no cycle, with one instance policy and no limits of "
                        "its own"});
  }
  return statuses;
}

wit::Composition compositionOf(const CompositionPlan& plan, const CompositionPlan::Unit& unit,
                               const WorkloadSpec& spec, Infos infos,
                               std::span<const Bytes> parts) {
  wit::Composition composition;
  std::vector<std::vector<wit::ExternName>> imports;
  for (const std::size_t member : unit.members) {
    composition.parts.push_back({spec.components[member].name, parts[member]});
    imports.push_back(infos[member].imports);
  }
  const auto position = [&](std::size_t component) {
    return static_cast<std::size_t>(std::ranges::find(unit.members, component) -
                                    unit.members.begin());
  };
  for (const ComponentLink& link : plan.links) {
    if (!isIn(unit.members, link.importer)) continue;
    composition.links.push_back(
        {position(link.importer), link.import_name, position(link.exporter), link.export_name});
  }
  composition.labels = wit::labelsFor(composition, imports);
  return composition;
}

}  // namespace nimbus::host
