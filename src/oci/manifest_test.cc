#include "oci/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace nimbus::oci {
namespace {

using ::testing::HasSubstr;

const Digest kConfig = Digest::of(asBytes("config"));
const Digest kLayer = Digest::of(asBytes("layer"));

Manifest sample(std::string_view layer_type = kWasmLayerType) {
  return {{std::string(kWasmConfigType), kConfig, 6},
          {{std::string(layer_type), kLayer, 5}},
          {{"org.opencontainers.image.title", "web"}}};
}

Manifest parsedManifest(std::string_view text, std::string_view type = kManifestType) {
  auto document = parseManifest(text, type);
  EXPECT_TRUE(document) << document.error().message();
  EXPECT_TRUE(document && std::holds_alternative<Manifest>(*document));
  return std::get<Manifest>(*document);
}

TEST(ManifestTest, IsReadBackAsItWasWritten) {
  const Manifest manifest = parsedManifest(toJson(sample()));
  EXPECT_EQ(manifest.config, sample().config);
  EXPECT_EQ(manifest.layers, sample().layers);
  EXPECT_EQ(manifest.annotations, sample().annotations);
}

TEST(ManifestTest, WithoutATypeOfItsOwnItIsWhatTheRegistryCallsIt) {
  std::string text = toJson(sample());
  const std::string type = fmt::format("\"mediaType\":\"{}\",\"config\"", kManifestType);
  text.replace(text.find(type), type.size(), "\"config\"");
  EXPECT_EQ(parsedManifest(text).layers, sample().layers);
  const auto other = parseManifest(text, "text/plain");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(other.error().message(), HasSubstr("text/plain"));
}

TEST(ManifestTest, BothTypesOfWasmLayersAreFound) {
  EXPECT_EQ(wasmLayerOf(sample())->digest, kLayer);
  EXPECT_EQ(wasmLayerOf(sample(kOldWasmLayerType))->digest, kLayer);
  Manifest several = sample("application/x-other");
  several.layers.push_back({std::string(kWasmLayerType), kConfig, 6});
  several.layers.push_back({std::string(kWasmLayerType), kLayer, 5});
  EXPECT_EQ(wasmLayerOf(several)->digest, kConfig);
}

TEST(ManifestTest, AContainerImageIsNamedAsWhatItIs) {
  const auto layer = wasmLayerOf(sample("application/vnd.oci.image.layer.v1.tar+gzip"));
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(layer.error().message(), HasSubstr("layer.v1.tar+gzip"));
}

std::string indexOf(std::vector<std::string> platforms) {
  std::string entries;
  for (const std::string& platform : platforms)
    entries += fmt::format("{}{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":1{}}}",
                           entries.empty() ? "" : ",", kManifestType, kLayer.text(), platform);
  return fmt::format("{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{}]}}", kIndexType,
                     entries);
}

constexpr std::string_view kLinux = ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}";
constexpr std::string_view kWasm = ",\"platform\":{\"os\":\"wasip2\",\"architecture\":\"wasm\"}";

TEST(ManifestTest, OfAnIndexTheOneForWasmIsMeant) {
  for (const std::string_view mine : {std::string_view(), kWasm}) {
    const auto document = parseManifest(indexOf({std::string(kLinux), std::string(mine)}), "");
    ASSERT_TRUE(document) << document.error().message();
    EXPECT_TRUE(wasmEntryOf(std::get<Index>(*document)));
  }
}

TEST(ManifestTest, AnIndexThatCouldMeanSeveralIsRefused) {
  for (const std::vector<std::string>& platforms :
       {std::vector<std::string>{}, {std::string(kLinux)}, {"", std::string(kWasm)}}) {
    const auto document = parseManifest(indexOf(platforms), "");
    ASSERT_TRUE(document) << document.error().message();
    const auto entry = wasmEntryOf(std::get<Index>(*document));
    ASSERT_FALSE(entry);
    EXPECT_EQ(entry.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(entry.error().message(), HasSubstr("by its digest"));
  }
}

TEST(ManifestTest, WhatIsNotWellFormedIsRefused) {
  const std::string good = toJson(sample());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), good + "x", with("config", "konfig"),
        with("layers", "players"), with("\"size\":6", "\"size\":-6"),
        with("\"size\":6", "\"size\":6.5"), with("\"size\":6", "\"size\":\"6\""),
        with("\"size\":6", "\"siez\":6"), with("\"web\"", "7")}) {
    const auto document = parseManifest(text, kManifestType);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code(), ErrorCode::kProtocol) << text;
  }
  EXPECT_EQ(parseManifest(with("sha256:", "sha512:"), kManifestType).error().code(),
            ErrorCode::kUnsupported);
  EXPECT_EQ(parseManifest(std::string(kMaxManifestBytes + 1, ' '), "").error().code(),
            ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace nimbus::oci
