#include "oci/pull_policy.h"

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::oci {

Result<PullPolicy> parsePullPolicy(std::string_view text) {
  for (const PullPolicy policy :
       {PullPolicy::kAlways, PullPolicy::kIfNotPresent, PullPolicy::kNever})
    if (equalsIgnoringCase(text, pullPolicyName(policy))) return policy;
  const std::string shown = escaped(text);
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("\"{}\" is not a pull policy; expected always, ifNotPresent or never", shown));
}

std::string_view pullPolicyName(PullPolicy policy) {
  switch (policy) {
    case PullPolicy::kAlways: return "always";
    case PullPolicy::kIfNotPresent: return "ifNotPresent";
    case PullPolicy::kNever: return "never";
  }
  return "";
}

}  // namespace nimbus::oci
