#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::oci {

// One challenge of a WWW-Authenticate field (RFC 9110 11.6.1) that we know how to meet.
struct Challenge {
  enum class Scheme { kBasic, kBearer };
  Scheme scheme = Scheme::kBasic;
  // Of a bearer challenge (distribution specification, "Token Authentication").
  std::string realm;
  std::string service;
  std::string scope;

  friend bool operator==(const Challenge&, const Challenge&) = default;
};

// The challenges of a field value in their order; those of other schemes are left out. kProtocol if
// the value is not well formed.
[[nodiscard]] Result<std::vector<Challenge>> parseChallenges(std::string_view value);

}  // namespace nimbus::oci
