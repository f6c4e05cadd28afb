#include "oci/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/test_registry.h"

namespace nimbus::oci {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using End = ScriptedAnswer::End;

class RegistryPullTest : public RegistryTest {
 protected:
  // Errors are wanted more often than not.
  Task<Error> manifestError() {
    Registry registry(environment(), options_, reference(), Access::kPull);
    const auto fetched = co_await registry.fetchManifest("1");
    EXPECT_FALSE(fetched);
    co_return fetched ? Error(ErrorCode::kInternal, "no error") : fetched.error();
  }
  Task<Result<void>> fetch(MemorySink* sink, std::string content) {
    Registry registry(environment(), options_, reference(), Access::kPull);
    const Descriptor blob{std::string(kWasmLayerType), Digest::of(asBytes(content)),
                          content.size()};
    co_return co_await registry.fetchBlob(blob, sink, nullptr);
  }
};

TEST_F(RegistryPullTest, FetchesAManifestAndItsBlob) {
  const std::string digest = registry_->addArtifact("1", "the layer");
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    const auto fetched = co_await registry.fetchManifest("1");
    EXPECT_TRUE(fetched) << fetched.error().describe();
    if (!fetched) co_return;
    EXPECT_EQ(fetched->digest.text(), digest);
    const Descriptor layer = std::get<Manifest>(fetched->content).layers[0];
    MemorySink sink(layer.digest);
    EXPECT_TRUE(co_await registry.fetchBlob(layer, &sink, nullptr));
    EXPECT_EQ(sink.content, "the layer");
  });
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(RegistryPullTest, SaysWhatTheRegistrySaysOfAMissingManifest) {
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await manifestError();
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("404"), HasSubstr("MANIFEST_UNKNOWN: manifest "
                                                                   "unknown")));
  });
  EXPECT_EQ(registry_->seen.size(), 1);
}

TEST_F(RegistryPullTest, TriesAgainLaterWhenItIsToldTo) {
  registry_->addArtifact("1", "x");
  registry_->script = {{"manifests", 429, {{"retry-after", "3"}}}, {"manifests", 503}};
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    EXPECT_TRUE(co_await registry.fetchManifest("1"));
  });
  EXPECT_THAT(pauses_, ElementsAre(3s, 500ms));
}

TEST_F(RegistryPullTest, GivesUpWhenItHasToWaitForTooLong) {
  registry_->script = {{"manifests", 429, {{"retry-after", "600"}}}};
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await manifestError();
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("429"), HasSubstr("later")));
  });
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(RegistryPullTest, GivesUpAfterAFewFailures) {
  options_.retry.attempts = 4;
  for (int i = 0; i < 9; ++i) registry_->script.push_back({"manifests", 500, {}, "<html>\x1b[31m"});
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await manifestError();
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("500"), Not(HasSubstr("html"))));
  });
  EXPECT_EQ(registry_->seen.size(), 4);
  EXPECT_THAT(pauses_, ElementsAre(250ms, 500ms, 1000ms));
}

TEST_F(RegistryPullTest, WhatARegistrySaysCannotForgeOutput) {
  registry_->script = {{"manifests", 403, {}, R"({"errors":[{"code":"A\u001b[1mB",
      "message":"x\ny"},7,{"code":"C"},{"code":"D"},{"code":"E"}]})"}};
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await manifestError();
    EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(error.message(), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")),
                                       HasSubstr("C; D"), Not(HasSubstr("E)"))));
  });
}

TEST_F(RegistryPullTest, AManifestWithoutEndIsRefused) {
  registry_->script = {{"manifests",
                        200,
                        {{"content-type", std::string(kManifestType)}},
                        std::string(64000, ' '),
                        End::kNever}};
  run([&](net::Shard&) -> Task<void> {
    EXPECT_EQ((co_await manifestError()).code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(RegistryPullTest, ABrokenOffManifestIsAskedForAgain) {
  registry_->addArtifact("1", "x");
  registry_->script = {{"manifests", 200, {}, "{", End::kBrokenOff}};
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    EXPECT_TRUE(co_await registry.fetchManifest("1"));
  });
  EXPECT_EQ(pauses_.size(), 1);
}

TEST_F(RegistryPullTest, AManifestOfAnotherDigestIsRefused) {
  const std::string digest = registry_->addArtifact("1", "x");
  registry_->manifests[digest] += " ";
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    const auto fetched = co_await registry.fetchManifest(digest);
    EXPECT_FALSE(fetched);
    if (fetched) co_return;
    EXPECT_EQ(fetched.error().code(), ErrorCode::kProtocol);
    EXPECT_THAT(fetched.error().message(), HasSubstr("damaged or forged"));
  });
}

TEST_F(RegistryPullTest, StopsWaitingForARegistryThatSaysNothing) {
  options_.answer_timeout = 250ms;  // in which the request is to arrive
  options_.retry.attempts = 2;
  registry_->script = {{"manifests", 200, {}, {}, End::kSilent},
                       {"manifests", 200, {}, {}, End::kSilent}};
  run([&](net::Shard&) -> Task<void> {
    EXPECT_EQ((co_await manifestError()).code(), ErrorCode::kDeadlineExceeded);
  });
  EXPECT_EQ(registry_->seen.size(), 2);
}

TEST_F(RegistryPullTest, NobodyListensIsToldWithTheAddress) {
  const std::string authority = registry_->authority();
  group_->runOn(0, [&](net::Shard&) { registry_.reset(); });
  run([&](net::Shard&) -> Task<void> {
    const Reference nobody = *Reference::parse(authority + "/a:1");
    Registry registry(environment(), options_, nobody, Access::kPull);
    const auto fetched = co_await registry.fetchManifest("1");
    EXPECT_FALSE(fetched);
    if (fetched) co_return;
    EXPECT_EQ(fetched.error().code(), ErrorCode::kUnavailable);
    EXPECT_THAT(fetched.error().message(), HasSubstr(authority));
  });
}

TEST_F(RegistryPullTest, ABrokenOffBlobGoesOnWhereItBroke) {
  const std::string content(300'000, 'w');
  const std::string digest = registry_->addBlob(content);
  registry_->script = {{digest, 200, {}, content.substr(0, 100'000), End::kBrokenOff}};
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest));
    const auto fetched = co_await fetch(&sink, content);
    EXPECT_TRUE(fetched) << fetched.error().describe();
    EXPECT_EQ(sink.content, content);
  });
  EXPECT_EQ(registry_->seen.size(), 2);
  EXPECT_EQ(registry_->seen[1].range, "bytes=100000-");
}

TEST_F(RegistryPullTest, ABlobBeginsAnewWhereRangesAreNotKnown) {
  const std::string digest = registry_->addBlob("all of it");
  registry_->knows_ranges = false;
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest), "all");
    EXPECT_TRUE(co_await fetch(&sink, "all of it"));
    EXPECT_EQ(sink.content, "all of it");
  });
}

TEST_F(RegistryPullTest, AnotherRangeThanTheOneWantedIsNotTaken) {
  const std::string digest = registry_->addBlob("all of it");
  registry_->script = {{digest, 206, {{"content-range", "bytes 0-5/9"}}, " of it"},
                       {digest, 206, {}, " of it"}};
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest), "all");
    EXPECT_TRUE(co_await fetch(&sink, "all of it"));
    EXPECT_EQ(sink.content, "all of it");
  });
  EXPECT_EQ(registry_->seen.size(), 3);
}

TEST_F(RegistryPullTest, ADamagedBeginningCostsOneMoreDownload) {
  const std::string digest = registry_->addBlob("all of it");
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest), "ALL");
    EXPECT_TRUE(co_await fetch(&sink, "all of it"));
    EXPECT_EQ(sink.content, "all of it");
    MemorySink whole(*Digest::parse(digest), "ALL OF IT");
    EXPECT_TRUE(co_await fetch(&whole, "all of it"));
  });
}

TEST_F(RegistryPullTest, BytesOfAnotherDigestAreRefused) {
  const std::string digest = registry_->addBlob("all of it");
  registry_->blobs[digest] = "all of IT";
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest));
    const auto fetched = co_await fetch(&sink, "all of it");
    EXPECT_FALSE(fetched);
    if (fetched) co_return;
    EXPECT_EQ(fetched.error().code(), ErrorCode::kProtocol);
    EXPECT_EQ(sink.content, "");
  });
  EXPECT_EQ(registry_->seen.size(), 1);
}

TEST_F(RegistryPullTest, ABlobWithoutEndIsCutOff) {
  const std::string digest = registry_->addBlob("all of it");
  registry_->script = {{digest, 200, {}, std::string(64000, 'x'), End::kNever}};
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest));
    const auto fetched = co_await fetch(&sink, "all of it");
    EXPECT_FALSE(fetched);
    if (fetched) co_return;
    EXPECT_EQ(fetched.error().code(), ErrorCode::kProtocol);
    EXPECT_THAT(fetched.error().message(), HasSubstr("more than the 9 bytes"));
  });
}

TEST_F(RegistryPullTest, ABlobBeyondTheLimitIsNotAskedFor) {
  options_.max_blob_bytes = 8;
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(Digest::of(asBytes("all of it")));
    const auto fetched = co_await fetch(&sink, "all of it");
    EXPECT_FALSE(fetched);
    if (!fetched) {
      EXPECT_EQ(fetched.error().code(), ErrorCode::kResourceExhausted);
    }
  });
  EXPECT_THAT(registry_->seen, IsEmpty());
}

}  // namespace
}  // namespace nimbus::oci
