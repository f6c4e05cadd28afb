#include "http/route_table.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <memory>
#include <string>

namespace nimbus::http {
namespace {

class RouteTableTest : public ::testing::Test {
 protected:
  RouteId add(RoutePattern pattern, std::string target) {
    const auto id = table_.insert(pattern, std::move(target));
    EXPECT_TRUE(id.has_value());
    return id.value_or(RouteId{});
  }
  // The target, or what was missed.
  std::string go(std::string_view host, std::string_view path, std::string_view method = "GET") {
    const auto match = table_.match(host, path, method);
    if (match.target != nullptr) return *match.target;
    switch (match.miss) {
      case RouteMiss::kNoHost: return "no host";
      case RouteMiss::kNoPath: return "no path";
      case RouteMiss::kMethodNotAllowed: return "allow " + match.allow;
    }
    return "";
  }

  RouteTable<std::string> table_;
};

TEST_F(RouteTableTest, AnEmptyTableHasNoHost) { EXPECT_EQ(go("a", "/"), "no host"); }

TEST_F(RouteTableTest, ExactHostsIgnoreCasePortAndFinalDot) {
  add({.host = "A.Example"}, "a");
  for (const char* host :
       {"a.example", "A.EXAMPLE", "a.example:8000", "a.example.", "a.example.:1", "a.example:"}) {
    EXPECT_EQ(go(host, "/"), "a") << host;
  }
  for (const char* host : {"b.example", "x.a.example", "example", "", "a.example..", "*.example"}) {
    EXPECT_EQ(go(host, "/"), "no host") << host;
  }
}

TEST_F(RouteTableTest, Ipv6HostsKeepTheirBrackets) {
  add({.host = "[::1]"}, "v6");
  EXPECT_EQ(go("[::1]:80", "/"), "v6");
  EXPECT_EQ(go("[::1]", "/"), "v6");
  EXPECT_EQ(go("[0:0:0::0001]", "/"), "v6");
  EXPECT_EQ(go("[::2]", "/"), "no host");
  EXPECT_EQ(go("[:::]", "/"), "no host");
}

TEST_F(RouteTableTest, MoreSpecificHostsWin) {
  add({.host = ""}, "any");
  add({.host = "*.example"}, "suffix");
  add({.host = "*.b.example"}, "longer suffix");
  add({.host = "a.b.example"}, "exact");
  EXPECT_EQ(go("a.b.example", "/"), "exact");
  EXPECT_EQ(go("c.b.example:1", "/"), "longer suffix");
  EXPECT_EQ(go("x.c.B.example", "/"), "longer suffix");
  EXPECT_EQ(go("b.example", "/"), "suffix");
  EXPECT_EQ(go("example", "/"), "any");
  EXPECT_EQ(go(".example", "/"), "any");
  EXPECT_EQ(go("*.b.example", "/"), "any");
  EXPECT_EQ(go("", "/"), "any");
}

TEST_F(RouteTableTest, AnOverlongHostOnlyMatchesAnyHost) {
  add({.host = ""}, "any");
  const std::string host(300, 'a');
  add({.host = host}, "never");
  EXPECT_EQ(go(host, "/"), "any");
}

TEST_F(RouteTableTest, PathsMatchByWholeSegments) {
  add({.host = "a", .path = "/api"}, "api");
  add({.host = "a", .path = "/api/v2/"}, "v2");
  for (const char* path :
       {"/api", "/api/", "/api/x", "/api?x", "/api/v", "/api/v20", "/api/v2x/y"}) {
    EXPECT_EQ(go("a", path), "api") << path;
  }
  for (const char* path : {"/api/v2", "/api/v2/", "/api/v2/x/y/z", "/api/v2?/"}) {
    EXPECT_EQ(go("a", path), "v2") << path;
  }
  for (const char* path : {"/", "/apix", "/ap", "/API", "//api", "*", "/x?/api"}) {
    EXPECT_EQ(go("a", path), "no path") << path;
  }
  add({.host = "a", .path = "/"}, "root");
  for (const char* path : {"/", "/apix", "//api", "*", "/?x"})
    EXPECT_EQ(go("a", path), "root") << path;
}

TEST_F(RouteTableTest, ALessSpecificHostTakesPathsTheOtherDoesNot) {
  add({.host = "a.example", .path = "/api"}, "exact");
  add({.host = "*.example", .path = "/files"}, "suffix");
  add({.host = ""}, "any");
  EXPECT_EQ(go("a.example", "/api"), "exact");
  EXPECT_EQ(go("a.example", "/files"), "suffix");
  EXPECT_EQ(go("a.example", "/x"), "any");
}

TEST_F(RouteTableTest, RoutesWithMethodsComeFirst) {
  add({.host = "a", .path = "/"}, "any");
  add({.host = "a", .path = "/", .methods = {"POST", "PUT"}}, "writes");
  add({.host = "a", .path = "/", .methods = {"DELETE"}}, "deletes");
  EXPECT_EQ(go("a", "/", "GET"), "any");
  EXPECT_EQ(go("a", "/", "PUT"), "writes");
  EXPECT_EQ(go("a", "/", "DELETE"), "deletes");
}

TEST_F(RouteTableTest, SaysWhichMethodsWouldDo) {
  add({.host = "a", .path = "/x", .methods = {"GET", "HEAD"}}, "x");
  add({.host = "", .path = "/", .methods = {"GET", "POST"}}, "any");
  EXPECT_EQ(go("a", "/x", "HEAD"), "x");
  EXPECT_EQ(go("a", "/x", "POST"), "any");
  EXPECT_EQ(go("a", "/x", "PATCH"), "allow GET, HEAD, POST");
  EXPECT_EQ(go("a", "/x", "get"), "allow GET, HEAD, POST");
}

TEST_F(RouteTableTest, TwoRoutesMayNotClaimTheSame) {
  const RouteId any = add({.host = "a", .path = "/x"}, "any");
  const RouteId some = add({.host = "a", .path = "/x", .methods = {"GET", "PUT"}}, "some");
  const auto conflict = [this](RoutePattern pattern) {
    const auto id = table_.insert(pattern, "second");
    EXPECT_FALSE(id.has_value());
    return id ? RouteId{} : id.error();
  };
  EXPECT_EQ(conflict({.host = "A.", .path = "/x/"}), any);
  EXPECT_EQ(conflict({.host = "a", .path = "/x", .methods = {"POST", "PUT"}}), some);
  add({.host = "a", .path = "/x", .methods = {"POST"}}, "other methods");
  add({.host = "a", .path = "/y"}, "other path");
  add({.host = "b", .path = "/x"}, "other host");
  EXPECT_EQ(table_.size(), 5u);
}

TEST_F(RouteTableTest, ErasedRoutesAreGone) {
  const RouteId suffix = add({.host = "*.example"}, "suffix");
  const RouteId get = add({.host = "a.example", .methods = {"GET"}}, "get");
  const RouteId any = add({.host = "a.example"}, "any");
  EXPECT_TRUE(table_.erase(any));
  EXPECT_FALSE(table_.erase(any));
  EXPECT_EQ(table_.find(any), nullptr);
  ASSERT_NE(table_.find(get), nullptr);
  EXPECT_EQ(go("a.example", "/"), "get");
  EXPECT_EQ(go("a.example", "/", "PUT"), "suffix");
  EXPECT_TRUE(table_.erase(get));
  EXPECT_EQ(go("a.example", "/"), "suffix");
  EXPECT_TRUE(table_.erase(suffix));
  EXPECT_EQ(go("a.example", "/"), "no host");
  EXPECT_EQ(table_.size(), 0u);
  // A new route may take the place of an old one, never its id.
  const RouteId next = add({.host = "a.example"}, "next");
  EXPECT_FALSE(table_.erase(any));
  EXPECT_FALSE(table_.erase(get));
  EXPECT_TRUE(table_.erase(next));
}

TEST_F(RouteTableTest, ManyHostsAndManyPathsOfOneHost) {
  std::vector<RouteId> ids;
  for (int i = 0; i < 10'000; ++i) {
    ids.push_back(add({.host = "host" + std::to_string(i) + ".example"}, "h" + std::to_string(i)));
    ids.push_back(add({.host = "", .path = "/w/" + std::to_string(i)}, "p" + std::to_string(i)));
  }
  EXPECT_EQ(go("host1234.example", "/x"), "h1234");
  EXPECT_EQ(go("other", "/w/4321/x?y"), "p4321");
  for (std::size_t i = 0; i < ids.size(); i += 2) EXPECT_TRUE(table_.erase(ids[i]));
  EXPECT_EQ(go("host1234.example", "/x"), "no path");
  EXPECT_EQ(go("host1234.example", "/w/1"), "p1");
  EXPECT_EQ(table_.size(), 10'000u);
}

TEST_F(RouteTableTest, ADeepPathCostsNoMoreThanTheDeepestRoute) {
  add({.host = "a", .path = "/"}, "root");
  add({.host = "a", .path = "/x/y"}, "xy");
  std::string path = "/x/y";
  for (int i = 0; i < 8000; ++i) path += "/z";
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(go("a", path), "xy");
  // Trying every prefix would take many seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
TEST(RouteTableMemoryTest, ARouteNeedsFewerThan300Bytes) {
  RouteTable<std::shared_ptr<int>> table;
  constexpr std::size_t kRoutes = 10'000;
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kRoutes; ++i) {
    const std::string host = "workload-" + std::to_string(i) + ".example";
    ASSERT_TRUE(table.insert({.host = host}, nullptr).has_value());
  }
  EXPECT_LT((mallinfo2().uordblks - before) / kRoutes, 300u);
}
#endif

}  // namespace
}  // namespace nimbus::http
