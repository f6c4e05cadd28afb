#include "oci/artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "oci/test_registry.h"

namespace nimbus::oci {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kModule("\0asm\1\0\0\0", 8);
// A module with a custom section that makes it large.
const std::string kLargeModule =
    kModule + std::string("\0\x81\x80\x04\0", 5) + std::string(64 * 1024, 'x');

class ArtifactsTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    auto cache = Cache::open(folder_.path("oci"), 1 << 20);
    ASSERT_TRUE(cache);
    cache_.emplace(*std::move(cache));
  }
  Task<Result<Pulled>> pull(PullPolicy policy, std::string rest = "app/web:1") {
    Artifacts artifacts([this] { return Result<RegistryEnvironment>(environment()); }, *cache_);
    co_return co_await artifacts.pull(reference(rest), policy, options_, nullptr);
  }
  Task<Pulled> pulled(PullPolicy policy, std::string rest = "app/web:1") {
    auto result = co_await pull(policy, std::move(rest));
    EXPECT_TRUE(result) << result.error().describe();
    if (result) co_return *std::move(result);
    const Digest none = Digest::of({});
    co_return Pulled{reference(), none, none, 0, {}, false};
  }
  Task<Error> pullError(PullPolicy policy, std::string rest = "app/web:1") {
    const auto result = co_await pull(policy, std::move(rest));
    EXPECT_FALSE(result);
    co_return result ? Error(ErrorCode::kInternal, "no error") : result.error();
  }
  std::string content(const Pulled& pulled) {
    Artifacts artifacts([this] { return Result<RegistryEnvironment>(environment()); }, *cache_);
    const auto bytes = artifacts.read(pulled);
    return bytes ? std::string(bytes->text()) : bytes.error().describe();
  }
  TemporaryFolder folder_;
  std::optional<Cache> cache_;
};

TEST(PullPolicyTest, IsWrittenInBothWays) {
  EXPECT_EQ(parsePullPolicy("always"), PullPolicy::kAlways);
  EXPECT_EQ(parsePullPolicy("IfNotPresent"), PullPolicy::kIfNotPresent);
  EXPECT_EQ(parsePullPolicy("Never"), PullPolicy::kNever);
  EXPECT_EQ(parsePullPolicy("sometimes").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ArtifactsTest, APulledComponentLiesInTheCache) {
  const std::string digest = registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    const Pulled first = co_await pulled(PullPolicy::kIfNotPresent);
    EXPECT_TRUE(first.downloaded);
    EXPECT_EQ(first.digest.text(), digest);
    EXPECT_EQ(first.bytes, kModule.size());
    EXPECT_EQ(content(first), kModule);
  });
}

TEST_F(ArtifactsTest, IfNotPresentAsksNobodyForWhatIsThere) {
  registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    co_await pulled(PullPolicy::kIfNotPresent);
    registry_->seen.clear();
    const Pulled again = co_await pulled(PullPolicy::kIfNotPresent);
    EXPECT_FALSE(again.downloaded);
    EXPECT_THAT(registry_->seen, IsEmpty());
  });
}

TEST_F(ArtifactsTest, AlwaysAsksForTheManifestAndDownloadsOnlyWhatChanged) {
  registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    co_await pulled(PullPolicy::kAlways);
    registry_->seen.clear();
    EXPECT_FALSE((co_await pulled(PullPolicy::kAlways)).downloaded);
    EXPECT_EQ(registry_->seen.size(), 1);
    registry_->addArtifact("1", kLargeModule);
    const Pulled changed = co_await pulled(PullPolicy::kAlways);
    EXPECT_TRUE(changed.downloaded);
    EXPECT_EQ(content(changed), kLargeModule);
  });
}

TEST_F(ArtifactsTest, NeverUsesTheCacheAlone) {
  registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await pullError(PullPolicy::kNever);
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(), HasSubstr("never"));
    EXPECT_THAT(registry_->seen, IsEmpty());
    co_await pulled(PullPolicy::kAlways);
    registry_->seen.clear();
    EXPECT_EQ(content(co_await pulled(PullPolicy::kNever)), kModule);
    EXPECT_THAT(registry_->seen, IsEmpty());
  });
}

TEST_F(ArtifactsTest, ADigestIsAskedForOnce) {
  const std::string digest = registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    EXPECT_TRUE((co_await pulled(PullPolicy::kAlways, "app/web@" + digest)).downloaded);
    registry_->seen.clear();
    EXPECT_FALSE((co_await pulled(PullPolicy::kAlways, "app/web@" + digest)).downloaded);
    EXPECT_THAT(registry_->seen, IsEmpty());
  });
}

TEST_F(ArtifactsTest, WhatIsDamagedInTheCacheIsDownloadedAgain) {
  registry_->addArtifact("1", kModule);
  run([&](net::Shard&) -> Task<void> {
    const Pulled first = co_await pulled(PullPolicy::kIfNotPresent);
    std::ofstream(first.path) << "damaged";
    const Pulled again = co_await pulled(PullPolicy::kIfNotPresent);
    EXPECT_TRUE(again.downloaded);
    EXPECT_EQ(content(again), kModule);
  });
}

TEST_F(ArtifactsTest, ADownloadThatWasGivenUpGoesOnNextTime) {
  options_.retry.attempts = 1;
  registry_->addArtifact("1", kLargeModule);
  registry_->script = {
      {"/blobs/", 200, {}, kLargeModule.substr(0, 30'000), ScriptedAnswer::End::kBrokenOff}};
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await pullError(PullPolicy::kAlways);
    EXPECT_THAT(error.describe(), HasSubstr("after 30000 of"));
    EXPECT_EQ(content(co_await pulled(PullPolicy::kAlways)), kLargeModule);
  });
  EXPECT_EQ(registry_->seen.back().range, "bytes=30000-");
}

TEST_F(ArtifactsTest, WhatIsNoWebAssemblyIsRefusedAndNotKept) {
  registry_->addArtifact("1", "#!/bin/sh");
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await pullError(PullPolicy::kAlways);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.describe(), HasSubstr("neither a WebAssembly component nor a module"));
    EXPECT_EQ((co_await pullError(PullPolicy::kNever)).code(), ErrorCode::kNotFound);
  });
}

TEST_F(ArtifactsTest, AManifestIsNoComponentThoughItIsInTheCache) {
  const std::string inner = registry_->addArtifact("1", kModule);
  const std::string document = registry_->manifests[inner];
  registry_->addArtifact("2", document);
  run([&](net::Shard&) -> Task<void> {
    co_await pulled(PullPolicy::kAlways);
    EXPECT_EQ((co_await pullError(PullPolicy::kAlways, "app/web:2")).code(),
              ErrorCode::kInvalidArgument);
    co_await pulled(PullPolicy::kNever);
  });
}

TEST_F(ArtifactsTest, ErrorsBeginWithTheReference) {
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await pullError(PullPolicy::kAlways);
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.describe(), StartsWith("cannot pull " + reference().text() + ": "));
  });
}

TEST_F(ArtifactsTest, ThroughAnIndexTheManifestForWasmIsFound) {
  const std::string digest = registry_->addArtifact("inner", kModule);
  const std::string index = fmt::format(
      R"({{"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}","size":7}}]}})",
      kIndexType, kManifestType, digest);
  const std::string index_digest = Digest::of(asBytes(index)).text();
  registry_->manifests["1"] = registry_->manifests[index_digest] = index;
  run([&](net::Shard&) -> Task<void> {
    EXPECT_EQ((co_await pulled(PullPolicy::kAlways)).digest.text(), digest);
    co_await pulled(PullPolicy::kAlways, "app/web@" + index_digest);
    registry_->seen.clear();
    co_await pulled(PullPolicy::kAlways, "app/web@" + index_digest);
    EXPECT_THAT(registry_->seen, IsEmpty());
  });
}

TEST_F(ArtifactsTest, APushCanBePulled) {
  run([&](net::Shard&) -> Task<void> {
    Artifacts artifacts([this] { return Result<RegistryEnvironment>(environment()); }, *cache_);
    auto artifact = describeWasm(Bytes::copyOf(kModule), {{"a", "b"}}, {});
    EXPECT_TRUE(artifact);
    const auto pushed = co_await artifacts.push(reference(), *artifact, options_, nullptr);
    EXPECT_TRUE(pushed) << pushed.error().describe();
    EXPECT_TRUE(pushed && pushed->uploaded);
    EXPECT_EQ((co_await pulled(PullPolicy::kAlways)).digest, artifact->digest);
    registry_->seen.clear();
    const auto again = co_await artifacts.push(reference(), *artifact, options_, nullptr);
    EXPECT_TRUE(again && !again->uploaded);
  });
  EXPECT_EQ(registry_->count("POST"), 0) << "nothing is uploaded twice";
}

TEST_F(ArtifactsTest, APushNeedsATagThatFits) {
  run([&](net::Shard&) -> Task<void> {
    Artifacts artifacts([this] { return Result<RegistryEnvironment>(environment()); }, *cache_);
    const auto artifact = describeWasm(Bytes::copyOf(kModule), {}, {});
    const std::string other = Digest::of(asBytes("x")).text();
    for (const std::string& rest : {"app/web@" + artifact->digest.text(), "app/web:1@" + other}) {
      const auto pushed = co_await artifacts.push(reference(rest), *artifact, options_, nullptr);
      EXPECT_FALSE(pushed);
      if (!pushed) {
        EXPECT_EQ(pushed.error().code(), ErrorCode::kInvalidArgument);
      }
    }
  });
  EXPECT_THAT(registry_->seen, IsEmpty());
}

}  // namespace
}  // namespace nimbus::oci
