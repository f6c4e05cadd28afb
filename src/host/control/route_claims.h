#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/manifest/manifest.h"

namespace nimbus::host {

// Who has claimed which route, over all workloads of a host: the check that refuses a second
// claim before anything is deployed. A claim is one host, path and method (or "any method"); hosts
// and paths are in normal form. A workload may hold a claim several times, for the generation that
// serves and for the one that is about to; while workloads exchange routes, both hold them.
class RouteClaims {
 public:
  struct Conflict {
    std::string holder;  // id of the workload that was first
    std::string route;   // "GET a.example/api", "any host /"
  };

  // The first route of this spec that another workload has claimed, none of `partners` (ids).
  using Partners = std::set<std::string, std::less<>>;
  [[nodiscard]] std::optional<Conflict> firstConflict(const WorkloadSpec& spec,
                                                      const Partners& partners = {}) const;

  // All other workloads that have claimed a route of it.
  [[nodiscard]] Partners holdersOf(const WorkloadSpec& spec) const;

  // Of workloads that shall all become as `next` says: those that can do so only together, as one
  // takes over what another one has claimed so far and gives up. Places in `next`, in groups of at
  // least two. What stands in nobody's way, or cannot have its routes anyhow, is in none of them.
  using Group = std::vector<std::size_t>;
  [[nodiscard]] std::vector<Group> exchanges(const std::vector<const WorkloadSpec*>& next) const;

  // There must be no conflict, but with partners.
  void add(const WorkloadSpec& spec);
  // Takes back one add() of an equal spec.
  void remove(const WorkloadSpec& spec);

  [[nodiscard]] std::size_t size() const { return claims_.size(); }

 private:
  struct Claim {
    std::string holder;
    std::size_t count = 0;
  };
  std::unordered_map<std::string, std::vector<Claim>> claims_;  // one of each holder

  class Exchanges;
};

}  // namespace nimbus::host
