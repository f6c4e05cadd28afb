#include "host/manifest/route_claim.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace nimbus::host {

namespace {

bool methodsOverlap(const RouteSpec& a, const RouteSpec& b) {
  if (a.methods.empty() || b.methods.empty()) return a.methods.empty() && b.methods.empty();
  return std::ranges::any_of(a.methods,
                             [&](const std::string& method) { return isOneOf(b.methods, method); });
}

}  // namespace

bool sameClaim(const RouteSpec& a, const RouteSpec& b) {
  return a.host == b.host && a.path == b.path && methodsOverlap(a, b);
}

}  // namespace nimbus::host
