#include "host/control/route_claims.h"

#include "host/test_support.h"

namespace nimbus::host {
namespace {

WorkloadSpec withRoute(std::string name, std::string host, std::string path,
                       std::vector<std::string> methods = {}) {
  WorkloadSpec spec = makeSpec(std::move(name), std::move(path));
  spec.routes[0].host = std::move(host);
  spec.routes[0].methods = std::move(methods);
  return spec;
}

TEST(RouteClaims, NameWhoWasFirstAndWhat) {
  RouteClaims claims;
  claims.add(withRoute("first", "a.example", "/api", {"GET", "PUT"}));
  const auto conflict = claims.firstConflict(withRoute("second", "a.example", "/api", {"PUT"}));
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder, "default/first");
  EXPECT_EQ(conflict->route, "PUT a.example/api");
}

TEST(RouteClaims, AreEqualOnlyInHostPathAndMethod) {
  RouteClaims claims;
  claims.add(withRoute("first", "a.example", "/api", {"GET"}));
  EXPECT_FALSE(claims.firstConflict(withRoute("second", "b.example", "/api", {"GET"})));
  EXPECT_FALSE(claims.firstConflict(withRoute("second", "a.example", "/", {"GET"})));
  EXPECT_FALSE(claims.firstConflict(withRoute("second", "a.example", "/api", {"PUT"})));
  EXPECT_FALSE(claims.firstConflict(withRoute("second", "a.example", "/api")));
  EXPECT_TRUE(claims.firstConflict(withRoute("second", "a.example", "/api", {"PUT", "GET"})));
}

TEST(RouteClaims, AWorkloadDoesNotCollideWithItself) {
  RouteClaims claims;
  const WorkloadSpec spec = withRoute("first", "", "/");
  claims.add(spec);
  EXPECT_FALSE(claims.firstConflict(spec));
  claims.add(spec);
  claims.remove(spec);
  EXPECT_TRUE(claims.firstConflict(withRoute("second", "", "/")));
  claims.remove(spec);
  EXPECT_FALSE(claims.firstConflict(withRoute("second", "", "/")));
  EXPECT_EQ(claims.size(), 0U);
}

}  // namespace
}  // namespace nimbus::host
