#pragma once

#include <string_view>

#include "base/result.h"

namespace nimbus::oci {

// When a registry is asked for an artifact.
enum class PullPolicy {
  kAlways,        // what the reference names now; only what changed is downloaded
  kIfNotPresent,  // only if the cache has nothing for the reference
  kNever,         // the cache alone
};

// "always", "ifNotPresent" or "never", also as Kubernetes writes them; kInvalidArgument.
[[nodiscard]] Result<PullPolicy> parsePullPolicy(std::string_view text);
[[nodiscard]] std::string_view pullPolicyName(PullPolicy policy);

}  // namespace nimbus::oci
