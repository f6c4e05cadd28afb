#include "oci/wasm_artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "wit/tools.h"

namespace nimbus::oci {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

const auto kCreated = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
const std::string kPrefix = "org.opencontainers.image.";

Bytes binary(std::string_view text) {
  auto bytes = wit::watToWasm(text);
  EXPECT_TRUE(bytes) << bytes.error().message();
  return *bytes;
}

constexpr std::string_view kComponent = R"((component $counter
  (@custom "version" "1.2.3")
  (@custom "description" "counts")
  (import "demo:calculator/add@1.0.0" (instance $add))
  (export "demo:calculator/sum@1.0.0" (instance $add))))";

WasmArtifact described(Bytes bytes, const Annotations& annotations = {}) {
  auto artifact = describeWasm(std::move(bytes), annotations, kCreated);
  EXPECT_TRUE(artifact) << artifact.error().describe();
  return *std::move(artifact);
}

TEST(WasmArtifactTest, TheConfigTellsWhatAComponentIs) {
  const Bytes bytes = binary(kComponent);
  const WasmArtifact artifact = described(bytes);
  EXPECT_EQ(artifact.config,
            R"({"created":"2023-11-14T22:13:20Z","architecture":"wasm","os":"wasip2",)"
            R"("layerDigests":[")" +
                Digest::of(bytes.view()).text() +
                R"("],"component":{"exports":["demo:calculator/sum@1.0.0"],)"
                R"("imports":["demo:calculator/add@1.0.0"]}})");
}

TEST(WasmArtifactTest, AModuleHasNoWorld) {
  const WasmArtifact artifact = described(binary(R"((module (func (export "_start"))))"));
  EXPECT_THAT(artifact.config, HasSubstr(R"("os":"wasip1")"));
  EXPECT_THAT(artifact.config, Not(HasSubstr("component")));
}

TEST(WasmArtifactTest, TheManifestNamesConfigAndLayer) {
  const WasmArtifact artifact = described(binary(kComponent));
  const auto document = parseManifest(artifact.manifest, "");
  ASSERT_TRUE(document);
  const auto& manifest = std::get<Manifest>(*document);
  EXPECT_EQ(manifest.config, artifact.config_descriptor);
  EXPECT_EQ(manifest.config.media_type, kWasmConfigType);
  EXPECT_EQ(manifest.config.digest, Digest::of(asBytes(artifact.config)));
  ASSERT_EQ(manifest.layers.size(), 1);
  EXPECT_EQ(manifest.layers[0], artifact.layer_descriptor);
  EXPECT_EQ(manifest.layers[0].media_type, kWasmLayerType);
  EXPECT_EQ(manifest.annotations, artifact.annotations);
  EXPECT_EQ(artifact.digest, Digest::of(asBytes(artifact.manifest)));
}

TEST(WasmArtifactTest, AnnotationsComeFromTheBinaryUnlessTheyAreGiven) {
  const Annotations own = described(binary(kComponent)).annotations;
  EXPECT_THAT(own, Contains(Pair(kPrefix + "title", "counter")));
  EXPECT_THAT(own, Contains(Pair(kPrefix + "version", "1.2.3")));
  EXPECT_THAT(own, Contains(Pair(kPrefix + "description", "counts")));
  EXPECT_THAT(own, Contains(Pair(kPrefix + "created", "2023-11-14T22:13:20Z")));
  EXPECT_THAT(own, Not(Contains(Key(kPrefix + "licenses"))));
  const Annotations given =
      described(binary(kComponent),
                {{kPrefix + "version", "2"}, {kPrefix + "description", ""}, {"com.example.x", "y"}})
          .annotations;
  EXPECT_THAT(given, Contains(Pair(kPrefix + "version", "2")));
  EXPECT_THAT(given, Contains(Pair("com.example.x", "y")));
  EXPECT_THAT(given, Not(Contains(Key(kPrefix + "description"))));
}

TEST(WasmArtifactTest, TheSameBytesGiveTheSameDigest) {
  EXPECT_EQ(described(binary(kComponent)).digest, described(binary(kComponent)).digest);
  EXPECT_NE(described(binary(kComponent)).digest,
            described(binary(kComponent), {{"a", "b"}}).digest);
}

TEST(WasmArtifactTest, WhatIsNoWebAssemblyIsRefused) {
  for (const std::string_view bytes :
       {std::string_view(), std::string_view("#!/bin/sh\n"), std::string_view("\0asm", 4)}) {
    const auto artifact = describeWasm(Bytes::copyOf(bytes), {}, kCreated);
    ASSERT_FALSE(artifact);
    EXPECT_EQ(artifact.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(artifact.error().message(), HasSubstr("neither"));
  }
}

}  // namespace
}  // namespace nimbus::oci
