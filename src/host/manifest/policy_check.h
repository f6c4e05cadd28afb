#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/manifest/manifest.h"

// What the numbers of a component's policy may be, wherever they were said.
namespace nimbus::host {

inline constexpr std::uint64_t kMostWarmInstances = 10'000;
inline constexpr std::uint64_t kMostInvocations = 1'000'000'000'000;
inline constexpr std::uint64_t kMostConcurrency = 10'000;
inline constexpr std::uint64_t kMostTimeMs = 24ULL * 3600 * 1000;
inline constexpr std::uint64_t kMostMemoryMb = 1024 * 1024;
inline constexpr std::uint64_t kLeastVolumeBytes = 4096;
inline constexpr std::uint64_t kMostVolumeBytes = 1ULL << 60;

// What its writer calls them; the defaults are a manifest's keys.
struct PolicyNames {
  std::string_view pool_size = "poolSize";
  std::string_view max_invocations = "maxInvocations";
  std::string_view max_concurrency = "maxConcurrency";
  std::string_view max_instances = "maxInstances";
  std::string_view timeout = "timeout";
  std::string_view cpu_limit = "cpuLimit";
  std::string_view memory = "memoryLimitMb";
};

struct PolicyProblem {
  std::string_view name;  // one of the names that were given
  std::string message;    // goes on after that name
};

// The first of its numbers that is out of range, or that would have no effect beside the others.
[[nodiscard]] std::optional<PolicyProblem> policyProblem(const ComponentSpec& component,
                                                         const PolicyNames& names = {});

}  // namespace nimbus::host
