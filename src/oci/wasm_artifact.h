#pragma once

#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "oci/manifest.h"

namespace nimbus::oci {

// A component or module as a registry keeps it (CNCF, "Wasm OCI Artifact layout"): one layer, a
// config that tells what it is without downloading it, and a manifest of both.
struct WasmArtifact {
  Bytes layer;
  std::string config;    // JSON
  std::string manifest;  // JSON
  Descriptor config_descriptor;
  Descriptor layer_descriptor;
  Digest digest;  // of the manifest: that of the artifact
  Annotations annotations;
};

// Describes the bytes. Annotations come from what the binary says of itself
// (org.opencontainers.image.title and so on); `annotations` goes before, and an empty text takes
// one away. The same input gives the same digest. kInvalidArgument: neither a component nor a
// module.
[[nodiscard]] Result<WasmArtifact> describeWasm(Bytes wasm, const Annotations& annotations,
                                                std::chrono::system_clock::time_point created);

// Fails with kInvalidArgument unless the bytes are a component or a module.
[[nodiscard]] Result<void> checkWasm(ByteView bytes);

// "2024-09-25T12:00:00Z" (RFC 3339).
[[nodiscard]] std::string timestamp(std::chrono::system_clock::time_point when);

}  // namespace nimbus::oci
