// Version ranges of manifests, and the lines of go.mod.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "project/project_needs.h"
#include "project/version_range.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  using nimbus::project::ToolVersion;
  using nimbus::project::VersionRange;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ToolVersion version{{20, 11, 0}};
  for (const auto& range :
       {VersionRange::ofNpm(text), VersionRange::ofPython(text), VersionRange::atLeast(text)}) {
    if (range) static_cast<void>(range->contains(version));
  }
  static_cast<void>(nimbus::project::goModDemands(text));
  return 0;
}
