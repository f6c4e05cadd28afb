#include "witdeps/registry_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::witdeps {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

wit::PackageRef ref(std::string_view text) { return *wit::PackageRef::parse(text); }

std::string nameOf(const RegistryMap& map, std::string_view package) {
  const auto found = map.find(ref(package));
  return found ? found->name : "none";
}

std::string failure(std::string_view toml) {
  RegistryMap map;
  const auto added = map.addConfig(toml, "config.toml");
  return added ? "taken" : added.error().message();
}

TEST(RegistryMapTest, KnowsTheUsualRegistries) {
  const RegistryMap map;
  EXPECT_EQ(nameOf(map, "wasi:http@0.2.3"), "wasi.dev");
  EXPECT_EQ(nameOf(map, "wasmcloud:bus"), "wasmcloud.com");
  EXPECT_EQ(nameOf(map, "acme:log"), "none");
}

TEST(RegistryMapTest, PrefersPackagesToNamespacesToTheDefault) {
  RegistryMap map;
  ASSERT_TRUE(map.addConfig(R"(
default_registry = "default.example"
[namespace_registries]
wasi = "wasi.example:5000"
[package_registry_overrides]
"wasi:http" = "http.example"
)",
                            "config.toml"));
  EXPECT_EQ(nameOf(map, "wasi:http@0.2.3"), "http.example");
  EXPECT_EQ(nameOf(map, "wasi:io"), "wasi.example:5000");
  EXPECT_EQ(nameOf(map, "wasmcloud:bus"), "default.example");
}

TEST(RegistryMapTest, ReadsMetadataAndSettings) {
  RegistryMap map;
  std::string toml = R"(
[namespace_registries]
acme = { registry = "acme", metadata = { preferredProtocol = "oci", oci = OCI } }
[registry."localhost:5000".oci]
protocol = "http"
auth = { username = "ann", password = "secret" }
[registry."example.com".oci]
auth = "Ym9iOmE6Yg=="
)";
  toml.replace(toml.find("OCI"), 3, R"({ registry = "localhost:5000", namespacePrefix = "wit/" })");
  ASSERT_TRUE(map.addConfig(toml, "config.toml")) << failure(toml);
  EXPECT_EQ(map.find(ref("acme:log"))->metadata, (RegistryMetadata{"localhost:5000", "wit/"}));
  EXPECT_TRUE(map.isInsecure("localhost:5000"));
  EXPECT_FALSE(map.isInsecure("example.com"));
  EXPECT_EQ(map.loginFor("localhost:5000")->user, "ann");
  EXPECT_EQ(map.loginFor("example.com")->password, "a:b");
  EXPECT_FALSE(map.loginFor("other.example"));
}

TEST(RegistryMapTest, TakesLoginsOfTheProject) {
  RegistryMap map;
  ASSERT_TRUE(map.addLogins({{"https://ghcr.io/x", "ann", "token"}, {"quay.io", "", ""}}));
  EXPECT_EQ(map.loginFor("ghcr.io")->password, "token");
  EXPECT_FALSE(map.loginFor("quay.io"));
  EXPECT_THAT(map.addLogins({{"ghcr.io", "ann", ""}}).error().message(), HasSubstr("needs both"));
  EXPECT_THAT(map.addLogins({{"no host", "", ""}}).error().message(), HasSubstr("no registry"));
}

TEST(RegistryMapTest, NamesTheLineOfWhatIsWrong) {
  EXPECT_THAT(failure("default_registry = \"a b\""), StartsWith("config.toml:1: a registry is"));
  EXPECT_THAT(failure("[registry.\"x.y\".oci]\nauth = \"%%\""), HasSubstr("config.toml:2"));
  EXPECT_THAT(failure("x ="), StartsWith("config.toml:1: "));
}

TEST(RegistryMetadataTest, ReadsBothForms) {
  const auto parse = [](std::string_view json) {
    return RegistryMetadata::parse(json, "wasi.dev").value_or(RegistryMetadata());
  };
  EXPECT_EQ(parse(R"({"preferredProtocol": "oci",
                      "oci": {"registry": "ghcr.io", "namespacePrefix": "webassembly/"}})"),
            (RegistryMetadata{"ghcr.io", "webassembly/"}));
  EXPECT_EQ(parse(R"({"ociRegistry": "ghcr.io", "ociNamespacePrefix": "webassembly/"})"),
            (RegistryMetadata{"ghcr.io", "webassembly/"}));
  EXPECT_EQ(parse("{}"), (RegistryMetadata{"wasi.dev", ""}));
}

TEST(RegistryMetadataTest, RefusesOthers) {
  const auto refusal = [](std::string_view json) {
    const auto parsed = RegistryMetadata::parse(json, "wasi.dev");
    return parsed ? "taken" : parsed.error().message();
  };
  EXPECT_THAT(refusal(R"({"warg": {"url": "https://x"}})"), HasSubstr("speaks \"warg\""));
  EXPECT_THAT(refusal("<html>"), HasSubstr("registry.json:1"));
  EXPECT_THAT(refusal("[]"), HasSubstr("no object"));
  EXPECT_THAT(refusal(R"({"oci": {"registry": "a b"}})"), HasSubstr("names no OCI registry"));
  EXPECT_THAT(refusal(R"({"oci": {"namespacePrefix": "../x/"}})"), HasSubstr("no prefix"));
}

}  // namespace
}  // namespace nimbus::witdeps
