#include "host/manifest/provider_ref.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(ProviderRef, IsANameAnAddressOrAComponent) {
  EXPECT_EQ(std::get<BuiltInProvider>(*parseProviderRef("keyvalue-sqlite")).name,
            "keyvalue-sqlite");
  EXPECT_EQ(std::get<wrpc::ProviderAddress>(*parseProviderRef("unix:/run/kv.sock")).unix_path,
            "/run/kv.sock");
  EXPECT_EQ(std::get<wrpc::ProviderAddress>(*parseProviderRef("tcp:127.0.0.1:7761")).port, 7761);
  EXPECT_EQ(std::get<wrpc::ProviderAddress>(*parseProviderRef("nats:shop")).nats_prefix, "shop");
  EXPECT_EQ(std::get<ComponentProvider>(*parseProviderRef("component:store")),
            (ComponentProvider{"", "store"}));
  EXPECT_EQ(std::get<ComponentProvider>(*parseProviderRef("workload:team/shop/store")),
            (ComponentProvider{"team/shop", "store"}));
  EXPECT_EQ(std::get<GivenProvider>(*parseProviderRef("given:store.1a")).name, "store.1a");
}

TEST(ProviderRef, SaysWhatItMayBe) {
  for (const char* text :
       {"", "Keyvalue", "http://x", "component:", "component:a/b", "workload:a", "workload:a/b/c/d",
        "workload:a/B/c", "given:", "given:a/b", ":", "a b"}) {
    const auto ref = parseProviderRef(text);
    ASSERT_FALSE(ref) << text;
    EXPECT_EQ(ref.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(ref.error().message().contains("expected the name of a built-in")) << text;
  }
  EXPECT_EQ(parseProviderRef("tcp:nowhere").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace nimbus::host
