#include "host/control/route_claims.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

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

std::optional<RouteClaims::Conflict> RouteClaims::firstConflict(const WorkloadSpec& spec,
                                                                const Partners& partners) const {
  const std::string id = spec.id();
  std::optional<Conflict> conflict;
  for (const RouteSpec& route : spec.routes) {
    eachClaim(route, [&](const std::string& key, const std::string& method) {
      const auto claimed = claims_.find(key);
      if (claimed == claims_.end()) return true;
      // The last of several will have it.
      for (const auto& [holder, count] : claimed->second)
        if (holder != id && !partners.contains(holder))
          conflict = Conflict{holder, describe(route, method)};
      return !conflict;
    });
    if (conflict) break;
  }
  return conflict;
}

RouteClaims::Partners RouteClaims::holdersOf(const WorkloadSpec& spec) const {
  Partners holders;
  while (const auto conflict = firstConflict(spec, holders)) holders.insert(conflict->holder);
  return holders;
}

void RouteClaims::add(const WorkloadSpec& spec) {
  const std::string id = spec.id();
  for (const RouteSpec& route : spec.routes)
    eachClaim(route, [&](const std::string& key, const std::string&) {
      std::vector<Claim>& claims = claims_[key];
      const auto own = std::ranges::find(claims, id, &Claim::holder);
      if (own == claims.end())
        claims.push_back({id, 1});
      else
        ++own->count;
      return true;
    });
}

void RouteClaims::remove(const WorkloadSpec& spec) {
  const std::string id = spec.id();
  for (const RouteSpec& route : spec.routes)
    eachClaim(route, [&](const std::string& key, const std::string&) {
      const auto claimed = claims_.find(key);
      NIMBUS_CHECK(claimed != claims_.end());
      std::vector<Claim>& claims = claimed->second;
      const auto own = std::ranges::find(claims, id, &Claim::holder);
      NIMBUS_CHECK(own != claims.end());
      if (--own->count == 0) claims.erase(own);
      if (claims.empty()) claims_.erase(claimed);
      return true;
    });
}

// Finds the groups of one call of exchanges().
class RouteClaims::Exchanges {
 public:
  Exchanges(const RouteClaims& claims, const std::vector<const WorkloadSpec*>& next)
      : claims_(claims) {
    for (const WorkloadSpec* spec : next) {
      Change& change = changes_.emplace_back();
      change.id = spec->id();
      change.group = by_id_.size();
      by_id_.emplace(change.id, change.group);
      for (const RouteSpec& route : spec->routes)
        eachClaim(route, [&](const std::string& key, const std::string&) {
          return change.keys.insert(key), true;
        });
    }
  }

  std::vector<Group> find() {
    while (dropRefused()) {
    }
    for (std::size_t i = 0; i < changes_.size(); ++i)
      for (const std::size_t giver : changes_[i].givers) changes_[root(giver)].group = root(i);
    std::map<std::size_t, Group> groups;
    for (std::size_t i = 0; i < changes_.size(); ++i) groups[root(i)].push_back(i);
    std::vector<Group> exchanges;
    for (auto& [root, group] : groups)
      if (group.size() > 1) exchanges.push_back(std::move(group));
    return exchanges;
  }

 private:
  struct Change {
    std::string id;
    std::set<std::string> keys;       // of its new claims
    std::vector<std::size_t> givers;  // whose claims it takes over
    std::size_t group = 0;            // another member of its group, or itself
    bool refused = false;
  };

  // Whoever cannot have its routes keeps the old ones, which may be what others count on. Of two
  // that want the same free one the first gets it.
  bool dropRefused() {
    bool any = false;
    std::set<std::string_view> taken;
    for (Change& change : changes_) {
      if (change.refused) continue;
      const bool free =
          std::ranges::none_of(change.keys, [&](const auto& key) { return taken.contains(key); });
      change.refused = !free || !findGivers(change);
      if (change.refused) change.givers.clear();
      any |= change.refused;
      if (!change.refused) taken.insert(change.keys.begin(), change.keys.end());
    }
    return any;
  }

  // False if somebody who has claimed a route of it keeps that.
  bool findGivers(Change& change) const {
    change.givers.clear();
    for (const std::string& key : change.keys) {
      const auto claimed = claims_.claims_.find(key);
      if (claimed == claims_.claims_.end()) continue;
      for (const auto& [holder, count] : claimed->second) {
        if (holder == change.id) continue;
        const auto giver = by_id_.find(holder);
        if (giver == by_id_.end() || changes_[giver->second].refused ||
            changes_[giver->second].keys.contains(key))
          return false;
        change.givers.push_back(giver->second);
      }
    }
    return true;
  }

  std::size_t root(std::size_t i) const {
    while (changes_[i].group != i) i = changes_[i].group;
    return i;
  }

  const RouteClaims& claims_;
  std::vector<Change> changes_;
  std::unordered_map<std::string, std::size_t> by_id_;
};

std::vector<RouteClaims::Group> RouteClaims::exchanges(
    const std::vector<const WorkloadSpec*>& next) const {
  // Hardly any change of a folder is one.
  const auto conflicts = [this](const WorkloadSpec* spec) {
    return firstConflict(*spec).has_value();
  };
  if (std::ranges::none_of(next, conflicts)) return {};
  return Exchanges(*this, next).find();
}

}  // namespace nimbus::host
