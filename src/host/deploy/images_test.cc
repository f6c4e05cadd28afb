#include "host/deploy/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/test_support.h"
#include "oci/wasm_artifact.h"

namespace nimbus::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Freshness = WorkloadRuntime::Freshness;

const std::string kModule("\0asm\1\0\0\0", 8);

// Workloads whose images are in a cache already; nothing here reaches a registry that answers.
class ImagesTest : public ShardTest {
 protected:
  ImagesTest() {
    options_.service.cache_folder = folder_.path("oci");
    options_.service.docker_config_path = "";
  }
  ~ImagesTest() override {
    if (images_) shards_->runOn(0, [this](net::Shard&) { images_->cancelAll(); });
    images_.reset();
  }

  Images& images() {
    if (!images_) images_ = std::make_unique<Images>((*shards_)[0], options_);
    return *images_;
  }
  // Puts a component into the cache, under the reference; returns its digest.
  std::string cache(std::string_view reference) {
    auto cache = oci::Cache::open(options_.service.cache_folder, 1 << 20);
    const auto artifact = oci::describeWasm(Bytes::copyOf(kModule), {}, {});
    EXPECT_TRUE(cache && artifact);
    EXPECT_TRUE(cache->put(artifact->layer.view()));
    EXPECT_TRUE(cache->put(asBytes(artifact->manifest)));
    EXPECT_TRUE(cache->remember(*oci::Reference::parse(reference), artifact->digest));
    return artifact->layer_descriptor.digest.text();
  }
  static std::shared_ptr<WorkloadSpec> spec(std::string image,
                                            std::optional<oci::PullPolicy> policy = {}) {
    auto spec = std::make_shared<WorkloadSpec>(makeSpec("a", "/", ""));
    spec->components[0].image = std::move(image);
    spec->components[0].pull_policy = policy;
    return spec;
  }
  Task<Error> locateError(std::shared_ptr<const WorkloadSpec> spec) {
    const auto located = co_await images().locate(std::move(spec), Freshness::kAsManifestSays);
    EXPECT_FALSE(located);
    co_return located ? Error(ErrorCode::kInternal, "no error") : located.error();
  }

  TemporaryFolder folder_;
  ImageOptions options_;
  std::unique_ptr<Images> images_;
};

TEST_F(ImagesTest, AWorkloadWithoutImagesIsTheSame) {
  run([&](net::Shard&) -> Task<void> {
    const auto given = std::make_shared<const WorkloadSpec>(makeSpec("a"));
    const auto located = co_await images().locate(given, Freshness::kAsManifestSays);
    EXPECT_EQ(located.value(), given);
  });
  EXPECT_FALSE(std::filesystem::exists(options_.service.cache_folder));
}

TEST_F(ImagesTest, AnImageIsAFileOfTheCacheWithItsDigest) {
  const std::string digest = cache("r.example/a:1");
  run([&](net::Shard&) -> Task<void> {
    const auto located =
        co_await images().locate(spec("r.example/a:1"), Freshness::kAsManifestSays);
    EXPECT_TRUE(located) << located.error().describe();
    if (!located) co_return;
    const ComponentSpec& component = (*located)->components[0];
    EXPECT_EQ(component.digest, digest);
    EXPECT_THAT(component.file, StartsWith(options_.service.cache_folder));
    EXPECT_EQ(component.image, "r.example/a:1");
  });
}

TEST_F(ImagesTest, TheManifestsDigestMustBeThatOfTheImage) {
  cache("r.example/a:1");
  run([&](net::Shard&) -> Task<void> {
    const auto given = spec("r.example/a:1");
    given->components[0].digest = oci::Digest::of(asBytes("other")).text();
    const Error error = co_await locateError(given);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.describe(),
                AllOf(StartsWith("component \"web\": "), HasSubstr("r.example/a:1")));
  });
}

TEST_F(ImagesTest, WhatIsNotThereAndMustNotBePulledIsNamed) {
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await locateError(spec("r.example/a:1", oci::PullPolicy::kNever));
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.describe(), HasSubstr("r.example/a:1 is not in the cache"));
  });
}

TEST_F(ImagesTest, TheCacheWillDoAfterARestart) {
  cache("r.example/a:1");
  run([&](net::Shard&) -> Task<void> {
    const auto located = co_await images().locate(spec("r.example/a:1", oci::PullPolicy::kAlways),
                                                  Freshness::kCacheWillDo);
    EXPECT_TRUE(located) << located.error().describe();
  });
}

TEST_F(ImagesTest, ACacheThatCannotBeUsedIsTheReason) {
  folder_.write("oci", "a file");
  run([&](net::Shard&) -> Task<void> {
    EXPECT_THAT((co_await locateError(spec("r.example/a:1"))).describe(),
                HasSubstr("cannot use the cache of artifacts"));
  });
}

TEST_F(ImagesTest, ManyWorkloadsShareWhatIsUnderWay) {
  cache("r.example/a:1");
  run([&](net::Shard&) -> Task<void> {
    TaskSet tasks;
    int located = 0;
    for (int i = 0; i < 100; ++i)
      tasks.spawn(
          [](Images* images, std::shared_ptr<const WorkloadSpec> spec, int* count) -> Task<void> {
            if (co_await images->locate(std::move(spec), Freshness::kAsManifestSays)) ++*count;
          }(&images(), spec("r.example/a:1"), &located));
    co_await tasks.empty();
    EXPECT_EQ(located, 100);
  });
}

TEST_F(ImagesTest, WhatAnOperatorNamedIsLookedAtAtTheStart) {
  EXPECT_TRUE(checkImageOptions(options_));
  options_.service.ca_paths = {folder_.path("missing.pem")};
  EXPECT_THAT(checkImageOptions(options_).error().describe(), HasSubstr("missing.pem"));
  options_.service.ca_paths = {};
  options_.service.logins = {{"r.example", "ali", folder_.path("no-password")}};
  EXPECT_THAT(checkImageOptions(options_).error().describe(), HasSubstr("no-password"));
}

}  // namespace
}  // namespace nimbus::host
