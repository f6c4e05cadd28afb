#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"
#include "release/version.h"

namespace nimbus::release {

// `releases.json` of a folder of releases (docs/formats/releases.md).
struct ReleaseArchive {
  std::string platform;  // "x86_64-linux"
  std::string file;      // relative to the base URL; no part of it begins with a dot
  std::uint64_t size = 0;
  oci::Digest digest;
};

struct Release {
  Version version;
  std::vector<ReleaseArchive> archives;
};

inline constexpr std::size_t kMaxIndexBytes = 1 << 20;
inline constexpr std::uint64_t kMaxArchiveBytes = 512ULL << 20;

// kProtocol: not of that form, or beyond its limits; kUnsupported: a newer format.
[[nodiscard]] Result<std::vector<Release>> parseIndex(std::string_view text);

// The platform that this program was built for.
[[nodiscard]] std::string_view platformOfBuild();

// How far an update may go: to any version, to any of the same major version, or to those that
// differ in the patch version alone.
enum class Reach { kAny, kMinor, kPatch };

struct Candidate {
  Version version;
  ReleaseArchive archive;
};

// The newest release within reach that has an archive for the platform. Pre-releases are only for
// those who have one.
[[nodiscard]] std::optional<Candidate> newestRelease(const std::vector<Release>& releases,
                                                     const Version& current, Reach reach,
                                                     std::string_view platform);

}  // namespace nimbus::release
