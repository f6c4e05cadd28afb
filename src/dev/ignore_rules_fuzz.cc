// The patterns of a project's .gitignore are whatever its authors wrote.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "dev/ignore_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const nimbus::dev::IgnorePattern& pattern : nimbus::dev::parseIgnoreFile(text)) {
    NIMBUS_CHECK(!pattern.segments.empty() && pattern.segments.size() <= 32);
    for (const auto& segment : pattern.segments) NIMBUS_CHECK(!segment.empty());
  }
  return 0;
}
