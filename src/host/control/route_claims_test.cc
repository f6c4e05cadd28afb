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

// The names of the workloads of each group, in order.
std::vector<std::vector<std::string>> exchangesOf(const RouteClaims& claims,
                                                  const std::vector<WorkloadSpec>& next) {
  std::vector<const WorkloadSpec*> specs;
  for (const WorkloadSpec& spec : next) specs.push_back(&spec);
  std::vector<std::vector<std::string>> names;
  for (const RouteClaims::Group& group : claims.exchanges(specs)) {
    auto& all = names.emplace_back();
    for (const std::size_t place : group) all.push_back(next[place].name);
  }
  return names;
}

using Groups = std::vector<std::vector<std::string>>;

TEST(RouteClaims, ThoseThatTakeRoutesFromEachOtherBelongTogether) {
  RouteClaims claims;
  for (const char* name : {"a", "b", "c", "d", "e"}) claims.add(makeSpec(name));
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/b"), makeSpec("b", "/a")}), (Groups{{"a", "b"}}));
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/b"), makeSpec("b", "/c"), makeSpec("c", "/a"),
                                 makeSpec("d", "/new"), makeSpec("new", "/d"), makeSpec("e")}),
            (Groups{{"a", "b", "c"}, {"d", "new"}}));
}

TEST(RouteClaims, WhoeverMerelyComesOrGivesUpARouteIsInNoExchange) {
  RouteClaims claims;
  for (const char* name : {"a", "b"}) claims.add(makeSpec(name));
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/x"), makeSpec("c", "/c")}), Groups());
}

TEST(RouteClaims, ARouteThatIsKeptIsNotExchanged) {
  RouteClaims claims;
  for (const char* name : {"a", "b", "kept"}) claims.add(makeSpec(name));
  // By one that is not changed, by one that is, and so that the next one in the row cannot either.
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/kept")}), Groups());
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/b"), makeSpec("b")}), Groups());
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/b"), makeSpec("b", "/kept")}), Groups());
}

TEST(RouteClaims, OfTwoThatWantTheSameRouteTheFirstGetsIt) {
  RouteClaims claims;
  for (const char* name : {"a", "b", "c"}) claims.add(makeSpec(name));
  EXPECT_EQ(exchangesOf(claims, {makeSpec("a", "/c"), makeSpec("b", "/c"), makeSpec("c", "/a")}),
            (Groups{{"a", "c"}}));
}

TEST(RouteClaims, BothHoldWhatTheyExchangeUntilItIsDone) {
  RouteClaims claims;
  claims.add(makeSpec("a"));
  EXPECT_FALSE(claims.firstConflict(makeSpec("b", "/a"), {"default/a"}));
  claims.add(makeSpec("b", "/a"));
  claims.remove(makeSpec("a"));
  const auto conflict = claims.firstConflict(makeSpec("c", "/a"));
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder, "default/b");
}

}  // namespace
}  // namespace nimbus::host
