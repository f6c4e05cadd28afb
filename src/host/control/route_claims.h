#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "host/manifest/manifest.h"

namespace nimbus::host {

// Who has claimed which route, over all workloads of a host: the check that refuses a second
// claim before anything is deployed. A claim is one host, path and method (or "any method"); hosts
// and paths are in normal form. A workload may hold a claim several times, for the generation that
// serves and for the one that is about to.
class RouteClaims {
 public:
  struct Conflict {
    std::string holder;  // id of the workload that was first
    std::string route;   // "GET a.example/api", "any host /"
  };

  // The first route of this spec that another workload has claimed.
  [[nodiscard]] std::optional<Conflict> firstConflict(const WorkloadSpec& spec) const;

  // There must be no conflict.
  void add(const WorkloadSpec& spec);
  // Takes back one add() of an equal spec.
  void remove(const WorkloadSpec& spec);

  [[nodiscard]] std::size_t size() const { return claims_.size(); }

 private:
  struct Claim {
    std::string holder;
    std::size_t count = 0;
  };
  std::unordered_map<std::string, Claim> claims_;
};

}  // namespace nimbus::host
