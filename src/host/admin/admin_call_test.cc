#include "host/admin/admin_call.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

using Kind = AdminCall::Kind;

TEST(AdminCall, KnowsEveryOperation) {
  EXPECT_EQ(parseAdminCall("POST", "/v1/workloads")->kind, Kind::kApply);
  EXPECT_EQ(parseAdminCall("GET", "/v1/workloads")->kind, Kind::kList);
  EXPECT_EQ(parseAdminCall("GET", "/v1/workloads/ns/a-1")->kind, Kind::kGet);
  EXPECT_EQ(parseAdminCall("GET", "/v1/workloads/ns/a-1")->workload, "ns/a-1");
  EXPECT_EQ(parseAdminCall("DELETE", "/v1/workloads/ns/a")->kind, Kind::kRemove);
  EXPECT_EQ(parseAdminCall("POST", "/v1/drain")->kind, Kind::kDrain);
  EXPECT_EQ(parseAdminCall("GET", "/v1/events")->kind, Kind::kEvents);
  EXPECT_EQ(parseAdminCall("GET", "/v1/host")->kind, Kind::kHost);
  EXPECT_EQ(parseAdminCall("GET", "/metrics")->kind, Kind::kMetrics);
}

TEST(AdminCall, ReadsItsParameters) {
  EXPECT_TRUE(parseAdminCall("POST", "/v1/workloads")->wait);
  EXPECT_FALSE(parseAdminCall("POST", "/v1/workloads?wait=false")->wait);
  EXPECT_EQ(parseAdminCall("GET", "/v1/workloads?namespace=a")->namespace_name, "a");
  EXPECT_EQ(parseAdminCall("GET", "/v1/events?workload=a")->workload, "default/a");
  EXPECT_EQ(parseAdminCall("GET", "/v1/events?workload=ns%2Fa&follow=false")->workload, "ns/a");
  EXPECT_FALSE(parseAdminCall("GET", "/v1/events?workload=ns/a&follow=false")->follow);
}

TEST(AdminCall, TakesHeadWhereverItTakesGet) {
  for (const std::string_view target :
       {"/v1/workloads?namespace=a", "/v1/workloads/ns/a", "/v1/events", "/v1/host", "/metrics"}) {
    const auto get = parseAdminCall("GET", target);
    const auto head = parseAdminCall("HEAD", target);
    ASSERT_TRUE(head) << target;
    EXPECT_EQ(head->kind, get->kind) << target;
    EXPECT_TRUE(head->head_only) << target;
    EXPECT_FALSE(get->head_only) << target;
  }
  EXPECT_EQ(parseAdminCall("HEAD", "/v1/drain").error().allow, "POST");
  EXPECT_EQ(parseAdminCall("HEAD", "/v1/workloads/A/b").error().status, 404);
}

TEST(AdminCall, RefusesWhatItDoesNotKnow) {
  const auto nothing = parseAdminCall("GET", "/v2/workloads");
  EXPECT_EQ(nothing.error().status, 404);
  EXPECT_EQ(nothing.error().message, "there is nothing at \"/v2/workloads\"");
  for (const std::string_view path :
       {"", "/", "//", "/v1", "/v1/workloads/", "/v1/workloads/a", "/v1/workloads/a/b/c",
        "/v1/workloads/A/b", "/v1/workloads/../x", "/v1/workloads/a/b%2Fc", "*"})
    EXPECT_EQ(parseAdminCall("GET", path).error().status, 404) << path;
  for (const std::string_view query :
       {"wait=maybe", "wait", "wait=%", "wait=%4", "wait=%zz", "follow=true", "x=y", "&"})
    EXPECT_EQ(parseAdminCall("POST", "/v1/workloads?" + std::string(query)).error().status, 400)
        << query;
}

TEST(AdminCall, TellsWhichMethodsAPathTakes) {
  const auto refused = parseAdminCall("PUT", "/v1/workloads");
  EXPECT_EQ(refused.error().status, 405);
  EXPECT_EQ(refused.error().allow, "POST, GET, HEAD");
  EXPECT_EQ(parseAdminCall("POST", "/v1/workloads/a/b").error().allow, "GET, HEAD, DELETE");
}

TEST(AdminCall, ErrorCodesTravelByName) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kProgramFailed); ++code)
    EXPECT_EQ(errorCodeOf(errorCodeName(static_cast<ErrorCode>(code))),
              static_cast<ErrorCode>(code));
  EXPECT_EQ(errorCodeOf("never heard of"), ErrorCode::kInternal);
}

}  // namespace
}  // namespace nimbus::host
