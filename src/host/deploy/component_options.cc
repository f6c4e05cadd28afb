#include "host/deploy/component_options.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/size_text.h"

namespace nimbus::host {
namespace {

// Resources of the host that an instance may hold: a file tree open, and what each call has.
constexpr std::uint32_t kBaseHandles = 2048;
constexpr std::uint32_t kHandlesPerCall = 32;
// Itself, its streams and what they are waited for by.
constexpr std::uint32_t kHandlesPerSocket = 6;
constexpr std::uint32_t kHandlesPerFile = 2;
constexpr std::uint64_t kMostHandles = 100'000;

std::uint32_t handlesOf(const ComponentSpec& component, const CallPolicy& policy) {
  const std::uint64_t calls = std::uint64_t{kHandlesPerCall} * policy.max_concurrency;
  const std::uint64_t sockets =
      std::uint64_t{kHandlesPerSocket} * component.local_resources.max_sockets.value_or(0);
  const std::uint64_t files =
      std::uint64_t{kHandlesPerFile} * component.local_resources.max_files.value_or(0);
  return static_cast<std::uint32_t>(std::min(kBaseHandles + calls + sockets + files, kMostHandles));
}

template <typename Milliseconds>
void setDuration(Duration& into, const std::optional<Milliseconds>& ms) {
  if (ms) into = std::chrono::milliseconds(*ms);
}

// Linear memory that an instance has at least, from its start on. Which memories that are is not
// known, only how many and the largest: all others can be the smallest of the binary.
std::uint64_t leastMemory(const engine::Component& component) {
  const NimbusComponentNeeds& needs = component.needs();
  if (needs.memories == 0) return 0;  // or it cannot be told
  std::uint64_t smallest = needs.max_initial_memory_bytes;
  for (const wit::MemoryInfo& memory : component.info().memories)
    smallest = std::min(smallest, memory.initialBytes());
  return needs.max_initial_memory_bytes + (needs.memories - 1) * smallest;
}

}  // namespace

CallPolicy callPolicyOf(const ComponentSpec& component, const CallPolicy& defaults) {
  CallPolicy policy = defaults;
  policy.pool_size = component.pool_size;
  policy.max_invocations = component.max_invocations;
  policy.max_concurrency = component.max_concurrency;
  setDuration(policy.idle_timeout, component.idle_timeout_ms);
  setDuration(policy.timeout, component.timeout_ms);
  setDuration(policy.queue_timeout, component.queue_timeout_ms);
  setDuration(policy.cpu_limit, component.local_resources.cpu_limit_ms);
  if (component.max_instances) policy.max_instances = *component.max_instances;
  if (component.max_queue) policy.max_queue = *component.max_queue;
  if (component.local_resources.max_sockets)
    policy.max_sockets = *component.local_resources.max_sockets;
  if (component.local_resources.max_files) policy.max_files = *component.local_resources.max_files;
  if (component.local_resources.memory_limit_mb) {
    policy.max_memory_bytes = *component.local_resources.memory_limit_mb << 20;
  }
  return policy;
}

CallPolicy servicePolicyOf(const ServiceSpec& service, const engine::Component& component,
                           const CallPolicy& defaults) {
  CallPolicy policy = callPolicyOf(service.component, defaults);
  const bool overlap = component.kind() == engine::ComponentKind::kHttpP3;
  policy.max_concurrency = service.max_concurrency.value_or(overlap ? kServiceConcurrency : 1);
  return policy;
}

engine::GuestContextOptions contextOptionsOf(const WorkloadSpec& spec,
                                             const ComponentSpec& component,
                                             const CallPolicy& policy,
                                             const WorkloadVolumes* volumes) {
  engine::GuestContextOptions options;
  const LocalResources& resources = component.local_resources;
  options.environment.assign(resources.environment.begin(), resources.environment.end());
  for (const VolumeMount& mount : resources.volume_mounts) {
    const auto volume = std::ranges::find(spec.volumes, mount.name, &VolumeSpec::name);
    options.volumes.push_back({.host_path = volumes->pathOf(*volume),
                               .guest_path = mount.mount_path,
                               .read_only = mount.read_only});
  }
  options.max_memory_bytes = policy.max_memory_bytes;
  options.max_table_elements = policy.max_table_elements;
  options.max_handles = handlesOf(component, policy);
  options.stdio = engine::GuestStdio::kLines;
  return options;
}

Result<void> checkSize(std::string_view who, const engine::Component& component,
                       const CallPolicy& policy) {
  const std::uint64_t least = leastMemory(component);
  if (least > policy.max_memory_bytes) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has {} of memory from its start on, and its limit "
                            "(memoryLimitMb, --max-memory) is {}",
                            who, mebibytesText(least), mebibytesText(policy.max_memory_bytes)));
  }
  // The largest of its tables, of which no more is known than how many there are.
  const std::uint64_t elements = component.needs().max_initial_table_elements;
  if (elements > policy.max_table_elements) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has a table of {} elements from its start on, and the limit "
                            "(maxTableElements) is {}",
                            who, elements, policy.max_table_elements));
  }
  return {};
}

Result<void> checkConcurrency(std::string_view who, const engine::Component& component,
                              const CallPolicy& policy) {
  if (policy.max_concurrency <= 1 || component.kind() == engine::ComponentKind::kHttpP3) return {};
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("{} takes one call at a time on an instance: more (maxConcurrency) is for "
                  "handlers of WASI 0.3",
                  who));
}

Loopback loopbackOf(const WorkloadSpec& spec, const ComponentSpec& component) {
  if (!spec.service) return Loopback::kHost;
  return &component == &spec.service->component ? Loopback::kListens : Loopback::kPrivate;
}

Result<std::shared_ptr<const EgressPolicy>> egressPolicyOf(const ComponentSpec& component,
                                                           const EgressOptions& host,
                                                           Loopback loopback) {
  const LocalResources& resources = component.local_resources;
  TRY(EgressPolicy policy,
      EgressPolicy::parse({.allowed_hosts = resources.allowed_hosts,
                           .allowed_ip_name_lookups = resources.allowed_ip_name_lookups,
                           .allowed_host_loopback_ports = resources.allowed_host_loopback_ports,
                           .loopback = loopback},
                          host));
  return std::make_shared<const EgressPolicy>(std::move(policy));
}

}  // namespace nimbus::host
