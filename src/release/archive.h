#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "release/version.h"

namespace nimbus::release {

// Where the files of an archive go. Called in turn for each file: begin(), append() as often as
// needed, end(). The name is relative, "bin/wash", and has no part that is empty or begins with a
// dot.
class ArchiveSink {
 public:
  virtual ~ArchiveSink() = default;
  enum class Mode { kPlain, kExecutable };
  [[nodiscard]] virtual Result<void> begin(const std::string& name, Mode mode) = 0;
  [[nodiscard]] virtual Result<void> append(ByteView bytes) = 0;
  [[nodiscard]] virtual Result<void> end() = 0;
};

inline constexpr std::size_t kMaxArchiveEntries = 10'000;
inline constexpr std::uint64_t kMaxUnpackedBytes = 2ULL << 30;

// Reads the archive of a release (gzip and tar, docs/formats/releases.md) and gives what belongs
// to its program to the sink: bin/wash and lib/wash-VERSION. kProtocol: not of that form, an entry
// that is neither file nor folder, a name that leads elsewhere, or no program;
// kResourceExhausted: more entries or bytes than above; and what the sink fails with.
[[nodiscard]] Result<void> readArchive(int descriptor, const Version& version,
                                       std::string_view platform, ArchiveSink& sink);
[[nodiscard]] Result<void> readArchive(ByteView bytes, const Version& version,
                                       std::string_view platform, ArchiveSink& sink);

}  // namespace nimbus::release
