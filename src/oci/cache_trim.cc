#include "oci/cache_trim.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/files.h"

namespace nimbus::oci {
namespace {

namespace fs = std::filesystem;

constexpr auto kOld = std::chrono::hours(72);

struct File {
  fs::path path;
  std::uint64_t bytes;
  fs::file_time_type used;
};

// Files that vanish meanwhile are left out.
Result<std::vector<File>> filesOf(const std::string& folder) {
  std::vector<File> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const std::uint64_t bytes = it->file_size(gone);
    const fs::file_time_type used = gone ? fs::file_time_type() : it->last_write_time(gone);
    if (!gone) files.push_back({it->path(), bytes, used});
  }
  if (error) return failFile("read", folder, error.value());
  return files;
}

}  // namespace

Result<std::size_t> trimBlobs(const std::string& folder, std::uint64_t max_bytes,
                              std::span<const Digest> used) {
  TRY(std::vector<File> files, filesOf(folder));
  std::uint64_t total = 0;
  for (const File& file : files) total += file.bytes;
  std::size_t deleted = 0;
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (total <= max_bytes) break;
    const std::string name = file.path.filename().string();
    if (std::ranges::any_of(used, [&](const Digest& digest) { return digest.hex() == name; }))
      continue;
    if (::unlink(file.path.c_str()) != 0) continue;
    total -= file.bytes;
    ++deleted;
  }
  return deleted;
}

Result<void> deleteOldFiles(const std::string& folder) {
  TRY(const std::vector<File> files, filesOf(folder));
  const auto now = fs::file_time_type::clock::now();
  for (const File& file : files)
    if (now - file.used > kOld) ::unlink(file.path.c_str());
  return {};
}

}  // namespace nimbus::oci
