#include "host/deploy/composition.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/escape.h"
#include "wit/interface_name.h"

namespace nimbus::host {
namespace {

using Infos = std::span<const wit::ComponentInfo>;

constexpr std::size_t kMaxMembers = 16;  // slots in one store

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message));
}

std::string nameOf(const WorkloadSpec& spec, std::size_t index) {
  return inQuotes(spec.member(index).name);
}

bool isIn(const std::vector<std::size_t>& components, std::size_t component) {
  return std::ranges::find(components, component) != components.end();
}

bool servesHttp(const wit::ComponentInfo& info) {
  return !info.handler_version.empty() || !info.incoming_handler_version.empty();
}

bool offersInterfaces(const wit::ComponentInfo& info) {
  return std::ranges::any_of(info.exports, isOfferedInterface);
}

bool isLinkedTo(const std::vector<ComponentLink>& links, std::size_t component) {
  return std::ranges::find(links, component, &ComponentLink::exporter) != links.end();
}

bool hasRoute(const WorkloadSpec& spec, std::size_t component) {
  const std::string& name = spec.member(component).name;
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
  std::vector<char> state(spec.memberCount());
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (state[i] != 0) continue;
    if (const auto found = cycleFrom(links, i, state)) {
      return unsupported(fmt::format(
          "the components call each other in a cycle, of which {} is part, and so "
          "can neither be composed nor linked by calls, which would wait for themselves",
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
          fmt::format("component {} exports wasi:cli/run; a workload's components must serve HTTP, "
                      "and what is to keep running is its service",
                      nameOf(spec, index)));
    }
    if (hasRoute(spec, index)) {
      return unsupported(
          fmt::format("component {} has a route and does not serve HTTP", nameOf(spec, index)));
    }
    if (!offersInterfaces(info)) {
      return unsupported(
          fmt::format("component {} neither serves HTTP nor exports what others could import",
                      nameOf(spec, index)));
    }
  }
  return false;
}

std::vector<std::size_t> membersOf(const std::vector<ComponentLink>& links, std::size_t root) {
  std::vector<std::size_t> members{root};
  for (std::size_t next = 0; next < members.size(); ++next) {
    for (const ComponentLink& link : links) {
      if (link.importer == members[next] && link.called_because.empty() &&
          !isIn(members, link.exporter))
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

// Why the member of the unit at that position cannot be composed into it; empty if it can.
std::string whyNotInside(const WorkloadSpec& spec, const std::vector<std::size_t>& members,
                         std::size_t position) {
  const ComponentSpec& root = spec.components[members.front()];
  const ComponentSpec& member = spec.components[members[position]];
  if (const auto key = ownPolicy(root, member); !key.empty())
    return fmt::format("it and {} keep instances differently ({})", inQuotes(root.name), key);
  if (const auto key = ownLimit(root, member); !key.empty())
    return fmt::format("it has a limit of its own ({})", key);
  if (position >= kMaxMembers)
    return fmt::format("more than {} components would be one", kMaxMembers);
  return {};
}

// Takes one component out of the unit that cannot be in it, by linking it by calls. Whether there
// was one.
bool splitUnit(const WorkloadSpec& spec, std::vector<ComponentLink>& links,
               const std::vector<std::size_t>& members) {
  for (std::size_t i = 1; i < members.size(); ++i) {
    const std::string why = whyNotInside(spec, members, i);
    if (why.empty()) continue;
    for (ComponentLink& link : links) {
      if (link.exporter == members[i] && isIn(members, link.importer) &&
          link.called_because.empty())
        link.called_because = why;
    }
    return true;
  }
  return false;
}

bool isCalled(const std::vector<ComponentLink>& links, std::size_t component) {
  return std::ranges::any_of(links, [&](const ComponentLink& link) {
    return link.exporter == component && !link.called_because.empty();
  });
}

// The units by the links as they stand; nullopt if those had to be changed.
Result<std::optional<std::vector<CompositionPlan::Unit>>> unitsOf(
    const WorkloadSpec& spec, Infos infos, std::vector<ComponentLink>& links) {
  std::vector<CompositionPlan::Unit> units;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (spec.isService(i)) {
      TRY_VOID(checkService(spec, infos[i]));
      units.push_back({{i}, /*from_outside=*/false});
      continue;
    }
    TRY(const bool from_outside, isRoot(spec, infos, links, i));
    if (!from_outside && !isCalled(links, i) && isLinkedTo(links, i)) continue;
    CompositionPlan::Unit unit{membersOf(links, i), from_outside};
    if (splitUnit(spec, links, unit.members)) return std::nullopt;
    units.push_back(std::move(unit));
  }
  return units;
}

// Both are to be done by one instance.
Result<void> checkRunBesideHandler(const std::string& service, const wit::ComponentInfo& info) {
  if (info.run_version.empty()) return {};
  if (info.handler_version.empty())
    return unsupported(
        fmt::format("{} exports both wasi:cli/run and wasi:http/incoming-handler: an instance of "
                    "WASI 0.2 has one call at a time, and run does not end; with wasi:http/handler "
                    "of WASI 0.3 they overlap",
                    service));
  if (!info.run_version.starts_with("0.3."))
    return unsupported(
        fmt::format("{} exports wasi:http/handler of WASI 0.3 and wasi:cli/run@{}: both must be of "
                    "WASI 0.3 to overlap on its instance",
                    service, info.run_version));
  return {};
}

// A key of the manifest that has no effect where there are no requests; empty if none was given.
std::string_view keyAboutRequests(const ServiceSpec& service) {
  if (service.max_concurrency) return "maxConcurrency";
  if (service.component.timeout_ms) return "timeout";
  if (service.component.max_queue) return "maxQueue";
  if (service.component.queue_timeout_ms) return "queueTimeout";
  return {};
}

}  // namespace

Result<void> checkService(const WorkloadSpec& spec, const wit::ComponentInfo& info) {
  const std::string service = spec.describe(spec.service->component);
  const auto handler =
      std::ranges::find(info.exports, "wasmcloud:messaging/handler",
                        [](const wit::ExternName& name) { return name.parts.interface; });
  if (handler != info.exports.end())
    return unsupported(fmt::format("{} exports {}, and this host delivers no messages", service,
                                   escaped(handler->name)));
  if (servesHttp(info)) return checkRunBesideHandler(service, info);
  if (info.run_version.empty())
    return unsupported(
        fmt::format("{} exports neither wasi:cli/run, by which a service is "
                    "started, nor a handler of HTTP",
                    service));
  if (hasRoute(spec, spec.components.size()))
    return unsupported(fmt::format("{} has a route and does not serve HTTP", service));
  if (const std::string_view key = keyAboutRequests(*spec.service); !key.empty())
    return unsupported(
        fmt::format("{} does not serve HTTP, and {} is about requests", service, key));
  return {};
}

Result<CompositionPlan> planComposition(const WorkloadSpec& spec, Infos infos) {
  CompositionPlan plan;
  TRY(plan.links, linkComponents(spec, infos));
  TRY_VOID(checkCycles(spec, plan.links));
  for (ComponentLink& link : plan.links)
    if (spec.isService(link.importer) && link.called_because.empty())
      link.called_because = "a service goes on while calls come and go";
  // Each round links at least one import by calls that was not.
  for (;;) {
    TRY(auto units, unitsOf(spec, infos, plan.links));
    if (!units) continue;
    plan.units = *std::move(units);
    break;
  }
  return plan;
}

std::vector<LinkStatus> linkStatuses(const CompositionPlan& plan, const WorkloadSpec& spec,
                                     std::size_t component) {
  std::vector<LinkStatus> statuses;
  for (const ComponentLink& link : plan.links) {
    if (link.importer != component) continue;
    const std::string& exporter = spec.member(link.exporter).name;
    if (link.called_because.empty()) {
      statuses.push_back({link.import_name, exporter, "composed",
                          "of one workload, in no cycle, with one instance policy and no limits of "
                          "its own"});
    } else {
      statuses.push_back({link.import_name, exporter, "linked by calls", link.called_because});
    }
  }
  return statuses;
}

wit::Composition compositionOf(const CompositionPlan& plan, const CompositionPlan::Unit& unit,
                               std::span<const wit::Composition::Part> components) {
  wit::Composition composition;
  for (const std::size_t member : unit.members) composition.parts.push_back(components[member]);
  const auto position = [&](std::size_t component) {
    return static_cast<std::size_t>(std::ranges::find(unit.members, component) -
                                    unit.members.begin());
  };
  for (const ComponentLink& link : plan.links) {
    if (!isIn(unit.members, link.importer) || !link.called_because.empty()) continue;
    composition.links.push_back(
        {position(link.importer), link.import_name, position(link.exporter), link.export_name});
  }
  composition.labels = wit::labelsFor(composition);
  return composition;
}

}  // namespace nimbus::host
