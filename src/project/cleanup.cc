#include "project/cleanup.h"

#include <filesystem>

#include <fmt/format.h>

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> bytesOf(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(folder, error))) return 0;
  std::uint64_t bytes = 0;
  const auto no_links = fs::directory_options::none;
  for (fs::recursive_directory_iterator it(folder, no_links, error), end; !error && it != end;
       it.increment(error)) {
    const fs::file_status status = it->symlink_status(error);
    if (error) break;
    if (fs::is_regular_file(status)) bytes += it->file_size(error);
  }
  if (error) return std::nullopt;
  return bytes;
}

Result<CleanupEntry> cleanUpOne(const CleanupTarget& target, Cleanup mode) {
  std::error_code error;
  CleanupEntry entry{.target = target, .bytes = std::nullopt};
  entry.existed = fs::exists(fs::symlink_status(target.path, error));
  if (!entry.existed) return entry;
  entry.bytes = bytesOf(target.path);
  if (mode == Cleanup::kOnlyCount) return entry;
  fs::remove_all(target.path, error);
  if (error) {
    const bool denied = error == std::errc::permission_denied;
    return fail(denied ? ErrorCode::kPermissionDenied : ErrorCode::kIo,
                fmt::format("cannot delete all of {}: {}", target.path, error.message()));
  }
  entry.removed = true;
  return entry;
}

}  // namespace

Result<std::vector<CleanupEntry>> cleanUp(const std::vector<CleanupTarget>& targets, Cleanup mode) {
  std::vector<CleanupEntry> entries;
  for (const CleanupTarget& target : targets) {
    TRY(CleanupEntry entry, cleanUpOne(target, mode));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string sizeText(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  while (size >= 1024 && unit + 1 < std::size(kUnits)) {
    size /= 1024;
    unit += 1;
  }
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

}  // namespace nimbus::project
