#include "host/manifest/policy_check.h"

#include <fmt/format.h>

namespace nimbus::host {
namespace {

using Problem = std::optional<PolicyProblem>;

Problem outOfRange(std::string_view name, std::optional<std::uint64_t> number, std::uint64_t least,
                   std::uint64_t most, std::string_view unit = "") {
  if (!number || (*number >= least && *number <= most)) return std::nullopt;
  return PolicyProblem{name, fmt::format(": expected {}{} to {}{}, found {}{}", least, unit, most,
                                         unit, *number, unit)};
}

// Without a pool every call has an instance of its own.
Problem withoutPool(const ComponentSpec& component, const PolicyNames& names) {
  if (component.pool_size > 0) return std::nullopt;
  if (component.max_concurrency > 1) {
    return PolicyProblem{
        names.max_concurrency,
        fmt::format(": calls can only share an instance of a pool; set {} too", names.pool_size)};
  }
  if (component.max_invocations > 0) {
    return PolicyProblem{
        names.max_invocations,
        fmt::format(": only an instance of a pool serves several calls; set {} too",
                    names.pool_size)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<PolicyProblem> policyProblem(const ComponentSpec& component,
                                           const PolicyNames& names) {
  const LocalResources& resources = component.local_resources;
  for (Problem found :
       {outOfRange(names.pool_size, component.pool_size, 0, kMostWarmInstances),
        outOfRange(names.max_invocations, component.max_invocations, 0, kMostInvocations),
        outOfRange(names.max_concurrency, component.max_concurrency, 1, kMostConcurrency),
        outOfRange(names.timeout, component.timeout_ms, 1, kMostTimeMs, " ms"),
        outOfRange(names.cpu_limit, resources.cpu_limit_ms, 1, kMostTimeMs, " ms"),
        outOfRange(names.memory, resources.memory_limit_mb, 1, kMostMemoryMb, " MiB"),
        withoutPool(component, names)}) {
    if (found) return found;
  }
  if (component.max_instances && component.pool_size > *component.max_instances)
    return PolicyProblem{names.pool_size, fmt::format(" is larger than {}", names.max_instances)};
  return std::nullopt;
}

}  // namespace nimbus::host
