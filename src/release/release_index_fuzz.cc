// What an index lets through can be asked for and stays below the base URL.
#include <cstdint>
#include <cstdlib>

#include "release/index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::release;
  const auto releases = parseIndex({reinterpret_cast<const char*>(data), size});
  if (!releases) return 0;
  for (const Release& release : *releases) {
    if (Version::parse(release.version.text()) != release.version) std::abort();
    for (const ReleaseArchive& archive : release.archives) {
      if (archive.file.contains("..") && archive.file.contains("/..")) std::abort();
      if (archive.file.starts_with('/') || archive.size > kMaxArchiveBytes) std::abort();
    }
  }
  const Version current{1, 2, 3, {}};
  const auto newest = newestRelease(*releases, current, Reach::kMinor, platformOfBuild());
  if (newest && newest->version.major != current.major) std::abort();
  return 0;
}
