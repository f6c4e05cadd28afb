#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"

namespace nimbus::oci {

inline constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kWasmConfigType = "application/vnd.wasm.config.v0+json";
inline constexpr std::string_view kWasmLayerType = "application/wasm";
// Of artifacts that older tools pushed.
inline constexpr std::string_view kOldWasmLayerType =
    "application/vnd.module.wasm.content.layer.v1+wasm";

inline constexpr std::size_t kMaxManifestBytes = 4 * 1024 * 1024;

using Annotations = std::map<std::string, std::string>;

// What a manifest says of a blob.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

// An OCI image manifest (image specification 1.1).
struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
  Annotations annotations;
};

// An OCI image index: several manifests under one name.
struct Index {
  struct Entry {
    Descriptor manifest;
    std::string os;            // empty: for any
    std::string architecture;  // empty: for any
  };
  std::vector<Entry> entries;
};

// Reads the document of a manifest. `media_type`: what the registry calls it, without parameters;
// the document's own word wins. Errors: kProtocol (not a well-formed one), kUnsupported (another
// kind of document, by name), kResourceExhausted.
[[nodiscard]] Result<std::variant<Manifest, Index>> parseManifest(std::string_view document,
                                                                  std::string_view media_type);

// The same manifest gives the same text, and with it the same digest.
[[nodiscard]] std::string toJson(const Manifest& manifest);

// The layer that holds the component: the first of a WebAssembly type. kUnsupported, naming what
// there is instead, if there is none.
[[nodiscard]] Result<Descriptor> wasmLayerOf(const Manifest& manifest);

// The manifest that an index must mean for us: the only one that is for no platform, or for the
// architecture "wasm". kUnsupported, naming what there is, if there is not exactly one.
[[nodiscard]] Result<Descriptor> wasmEntryOf(const Index& index);

}  // namespace nimbus::oci
