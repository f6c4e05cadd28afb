#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/registry.h"
#include "oci/test_registry.h"

namespace nimbus::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using End = ScriptedAnswer::End;

// Notes what it is told.
class NotedProgress final : public Progress {
 public:
  Id begin(Direction, std::string_view) override { return kOnly; }
  Id begin(Direction, std::string_view, std::uint64_t, std::uint64_t total_bytes) override {
    total = total_bytes;
    return kOnly;
  }
  void at(Id transfer, std::uint64_t done) override {
    EXPECT_EQ(transfer, kOnly);
    last = done;
  }
  void end(Id transfer) override { ended = transfer == kOnly; }
  static constexpr Id kOnly = 7;
  std::uint64_t total = 0;
  std::uint64_t last = 0;
  bool ended = false;
};

class RegistryUploadTest : public RegistryTest {
 protected:
  Task<Result<bool>> push(std::string content, Progress* progress = nullptr) {
    Registry registry(environment(), options_, reference(), Access::kPush);
    const Descriptor blob{{}, Digest::of(asBytes(content)), content.size()};
    co_return co_await registry.pushBlob(blob, Bytes::copyOf(content), progress);
  }
  [[nodiscard]] std::string stored(std::string_view content) const {
    const auto found = registry_->blobs.find(Digest::of(asBytes(content)).text());
    return found == registry_->blobs.end() ? "" : found->second;
  }
  std::vector<std::string> ranges() const {
    std::vector<std::string> ranges;
    for (const SeenRequest& request : registry_->seen)
      if (request.line.starts_with("PATCH")) ranges.push_back(request.range);
    return ranges;
  }
};

TEST_F(RegistryUploadTest, ABlobGoesInOnePiece) {
  NotedProgress progress;
  run([&](net::Shard&) -> Task<void> {
    const auto pushed = co_await push("the layer", &progress);
    EXPECT_TRUE(pushed && *pushed);
  });
  EXPECT_EQ(stored("the layer"), "the layer");
  EXPECT_EQ(registry_->seen.size(), 3) << "HEAD, POST, PUT";
  EXPECT_EQ(progress.total, 9);
  EXPECT_EQ(progress.last, 9);
  EXPECT_TRUE(progress.ended);
}

TEST_F(RegistryUploadTest, WhatIsThereIsNotUploadedAgain) {
  registry_->addBlob("the layer");
  run([&](net::Shard&) -> Task<void> {
    const auto pushed = co_await push("the layer");
    EXPECT_TRUE(pushed && !*pushed);
  });
  EXPECT_EQ(registry_->seen.size(), 1);
}

TEST_F(RegistryUploadTest, ALargeBlobGoesInPieces) {
  options_.upload_piece_bytes = 4;
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await push("the layer")); });
  EXPECT_EQ(stored("the layer"), "the layer");
  EXPECT_THAT(ranges(), ElementsAre("0-3", "4-7", "8-8"));
}

TEST_F(RegistryUploadTest, ABrokenUploadGoesOnWhereItBroke) {
  options_.upload_piece_bytes = 4;
  run([&](net::Shard&) -> Task<void> {
    registry_->script = {{"PATCH", 202, {{"location", "/v2/app/web/blobs/uploads/7"}}},
                         {"PATCH", 502},
                         {"GET", 204, {{"range", "0-3"}, {"location", "/v2/x/uploads/8"}}}};
    const auto pushed = co_await push("the layer");
    // The fake has not kept the first piece, which is how one sees that it was not sent again.
    EXPECT_FALSE(pushed);
    if (!pushed) {
      EXPECT_THAT(pushed.error().message(), HasSubstr("DIGEST_INVALID"));
    }
  });
  EXPECT_THAT(ranges(), ElementsAre("0-3", "4-7", "4-7", "8-8"));
}

TEST_F(RegistryUploadTest, AnUploadThatIsForgottenBeginsAnew) {
  options_.upload_piece_bytes = 4;
  run([&](net::Shard&) -> Task<void> {
    registry_->script = {{"PATCH", 502}, {"GET", 404}};
    EXPECT_TRUE(co_await push("the layer"));
  });
  EXPECT_EQ(stored("the layer"), "the layer");
  EXPECT_EQ(registry_->count("POST"), 2);
}

TEST_F(RegistryUploadTest, ASmallUploadThatFailsIsRepeated) {
  run([&](net::Shard&) -> Task<void> {
    registry_->script = {{"PUT", 503}};
    EXPECT_TRUE(co_await push("the layer"));
  });
  EXPECT_EQ(registry_->count("POST"), 2);
  EXPECT_EQ(stored("the layer"), "the layer");
}

TEST_F(RegistryUploadTest, NoRightToPushIsToldAtOnce) {
  run([&](net::Shard&) -> Task<void> {
    registry_->script = {{"POST", 403, {}, R"({"errors":[{"code":"DENIED","message":"no"}]})"}};
    const auto pushed = co_await push("the layer");
    EXPECT_FALSE(pushed);
    if (pushed) co_return;
    EXPECT_EQ(pushed.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(pushed.error().message(), HasSubstr("DENIED: no"));
  });
  EXPECT_TRUE(pauses_.empty());
}

TEST_F(RegistryUploadTest, AnUploadThatLeadsNowhereIsRefused) {
  run([&](net::Shard&) -> Task<void> {
    registry_->script = {{"POST", 202}};
    const auto pushed = co_await push("the layer");
    EXPECT_FALSE(pushed);
    if (!pushed) {
      EXPECT_EQ(pushed.error().code(), ErrorCode::kProtocol);
    }
  });
}

TEST_F(RegistryUploadTest, AManifestIsPutUnderItsTag) {
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPush);
    EXPECT_TRUE(co_await registry.pushManifest("1", "{}"));
    registry_->script = {
        {"PUT", 201, {{"docker-content-digest", Digest::of(asBytes("x")).text()}}}};
    EXPECT_FALSE(co_await registry.pushManifest("1", "{}"));
  });
  EXPECT_EQ(registry_->manifests["1"], "{}");
}

}  // namespace
}  // namespace nimbus::oci
