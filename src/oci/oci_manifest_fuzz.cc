// A manifest that is taken says the same once it is written and read again.
#include <cstdint>
#include <cstdlib>

#include "oci/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::oci;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = parseManifest(text, kManifestType);
  if (!document) return 0;
  if (const auto* index = std::get_if<Index>(&*document)) {
    (void)wasmEntryOf(*index);
    return 0;
  }
  const auto& manifest = std::get<Manifest>(*document);
  (void)wasmLayerOf(manifest);
  const auto again = parseManifest(toJson(manifest), "");
  if (!again || std::get<Manifest>(*again).layers != manifest.layers) std::abort();
  return 0;
}
