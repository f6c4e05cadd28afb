#include "host/control/route_claims.h"

#include <functional>

#include "base/check.h"

namespace nimbus::host {
namespace {

// Calls `visit(key, method)` for every claim of a route; stops when it returns false. No part of a
// key can contain a space.
void eachClaim(
    const RouteSpec& route,
    const std::function<bool(const std::string& key, const std::string& method)>& visit) {
  static const std::string kAnyMethod;
  const auto key = [&route](const std::string& method) {
    return method + " " + route.host + " " + route.path;
  };
  if (route.methods.empty()) {
    visit(key(kAnyMethod), kAnyMethod);
    return;
  }
  for (const std::string& method : route.methods)
    if (!visit(key(method), method)) return;
}

std::string describe(const RouteSpec& route, const std::string& method) {
  return (method.empty() ? "" : method + " ") +
         (route.host.empty() ? "any host, path " : route.host) + route.path;
}

}  // namespace

std::optional<RouteClaims::Conflict> RouteClaims::firstConflict(const WorkloadSpec& spec) const {
  const std::string id = spec.id();
  std::optional<Conflict> conflict;
  for (const RouteSpec& route : spec.routes) {
    eachClaim(route, [&](const std::string& key, const std::string& method) {
      const auto claim = claims_.find(key);
      if (claim == claims_.end() || claim->second.holder == id) return true;
      conflict = Conflict{claim->second.holder, describe(route, method)};
      return false;
    });
    if (conflict) break;
  }
  return conflict;
}

void RouteClaims::add(const WorkloadSpec& spec) {
  const std::string id = spec.id();
  for (const RouteSpec& route : spec.routes)
    eachClaim(route, [&](const std::string& key, const std::string&) {
      Claim& claim = claims_[key];
      NIMBUS_CHECK(claim.count == 0 || claim.holder == id);
      claim.holder = id;
      ++claim.count;
      return true;
    });
}

void RouteClaims::remove(const WorkloadSpec& spec) {
  for (const RouteSpec& route : spec.routes)
    eachClaim(route, [&](const std::string& key, const std::string&) {
      const auto claim = claims_.find(key);
      NIMBUS_CHECK(claim != claims_.end());
      if (--claim->second.count == 0) claims_.erase(claim);
      return true;
    });
}

}  // namespace nimbus::host
