#include "oci/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kDigest =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Reference parsed(std::string_view text) {
  auto reference = Reference::parse(text);
  EXPECT_TRUE(reference) << text << ": " << reference.error().message();
  return reference ? *reference : Reference();
}

TEST(ReferenceTest, HasRegistryRepositoryAndTag) {
  const Reference reference = parsed("ghcr.io/acme/web-front_end.x:1.2-rc");
  EXPECT_EQ(reference.registry, "ghcr.io");
  EXPECT_EQ(reference.repository, "acme/web-front_end.x");
  EXPECT_EQ(reference.tag, "1.2-rc");
  EXPECT_FALSE(reference.digest);
  EXPECT_EQ(reference.version(), "1.2-rc");
}

TEST(ReferenceTest, IsLatestWithoutTagAndDigest) {
  EXPECT_EQ(parsed("localhost/a").tag, "latest");
  EXPECT_EQ(parsed("localhost:5000/a/b").text(), "localhost:5000/a/b:latest");
}

TEST(ReferenceTest, ADigestWinsOverTheTag) {
  const Reference both = parsed("r.example/a:1@" + std::string(kDigest));
  EXPECT_EQ(both.tag, "1");
  EXPECT_EQ(both.version(), kDigest);
  EXPECT_EQ(parsed("r.example/a@" + std::string(kDigest)).tag, "");
}

TEST(ReferenceTest, AddressesArePlainRegistries) {
  EXPECT_EQ(parsed("127.0.0.1:5000/a:1").authority(), "127.0.0.1:5000");
  EXPECT_EQ(parsed("[::1]:5000/a:1").registry, "[::1]:5000");
}

TEST(ReferenceTest, DockerHubHasAnotherHostAndALibrary) {
  const Reference reference = parsed("docker.io/web:1");
  EXPECT_EQ(reference.authority(), "registry-1.docker.io");
  EXPECT_EQ(reference.text(), "docker.io/library/web:1");
}

TEST(ReferenceTest, TextIsReadBackAsTheSame) {
  for (const std::string& text : {std::string("a.b/c:d"), "localhost:1/x/y@" + std::string(kDigest),
                                  "[::1]:80/a__b/c--d:e@" + std::string(kDigest)})
    EXPECT_EQ(parsed(parsed(text).text()), parsed(text)) << text;
}

TEST(ReferenceTest, WhatIsWrongIsNamed) {
  const std::string many(300, 'a');
  const std::pair<std::string, std::string> cases[] = {
      {"", "names no registry"},
      {"web", "names no registry"},
      {"acme/web:1", "names no registry"},
      {"r.example/", "repository"},
      {"r.example/Web", "repository"},
      {"r.example/a//b", "repository"},
      {"r.example/../x", "repository"},
      {"r.example/a___b", "repository"},
      {"r.example/a-", "repository"},
      {"r.example/a b", "repository"},
      {"r.example/a:", "a tag"},
      {"r.example/a:.b", "a tag"},
      {"r.example/a:" + std::string(129, 'a'), "a tag"},
      {"r.example/a@sha256:12", "sha256:"},
      {"r.example/a@", "sha256:"},
      {"r.example:99999/a", "host and port"},
      {"r.example:/a", "host and port"},
      {"r..example/a", "host and port"},
      {"user@r.example/a", "sha256:"},
      {"r.example/" + many, "longer than 255"},
  };
  for (const auto& [text, why] : cases) {
    const auto reference = Reference::parse(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(reference.error().message(), HasSubstr(why)) << text;
  }
}

TEST(ReferenceTest, FilesDoNotLookLikeReferences) {
  for (const std::string_view text :
       {"web", "target/web.wasm", "./web.wasm", "../x/y", "/abs/x.wasm", "a.b/c.wasm", "x.wasm"})
    EXPECT_FALSE(looksLikeReference(text)) << text;
  for (const std::string_view text :
       {"ghcr.io/a/b", "localhost/a", "r:5000/a:1", "a.b/c.wasm:1", "127.0.0.1:5000/x"})
    EXPECT_TRUE(looksLikeReference(text)) << text;
}

}  // namespace
}  // namespace nimbus::oci
