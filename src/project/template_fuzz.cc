// Manifests of templates, and texts with placeholders, as strangers may write them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "project/scaffold.h"
#include "project/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = nimbus::project::parseTemplateManifest(text);
  if (manifest) {
    static_cast<void>(nimbus::project::fillPlaceholders(text, manifest->variables));
  }
  static_cast<void>(nimbus::project::fillPlaceholders(text, {{"project-name", "x"}}));
  return 0;
}
