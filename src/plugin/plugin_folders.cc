#include "plugin/plugin_folders.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

// No name of a folder has a dot.
constexpr const char* kMark = ".removed";
constexpr int kAttempts = 10;

fs::path markOf(const fs::path& folder) { return folder.string() + kMark; }

std::vector<fs::path> marksBelow(const std::string& parent) {
  std::vector<fs::path> marks;
  std::error_code error;
  for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == kMark) marks.push_back(at->path());
  return marks;
}

// `more`: whether links are followed.
Result<UniqueFd> openFolder(const std::string& folder, int more) {
  UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | more));
  if (!opened.valid()) return failFile("open", folder, errno);
  return opened;
}

// A folder that is there, for oneself; nullopt: somebody holds it.
Result<std::optional<UniqueFd>> takeFolder(const std::string& folder) {
  TRY(UniqueFd opened, openFolder(folder, O_NOFOLLOW));
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno == EWOULDBLOCK) return std::nullopt;
  return failFile("lock", folder, errno);
}

// What is there by that name, not what a link leads to.
Result<fs::file_type> typeOf(const std::string& path) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  if (type == fs::file_type::none) return fail(ErrorCode::kIo, path + ": " + error.message());
  return type;
}

bool isSame(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether the folder still is what has been opened.
Result<bool> isStillThere(const std::string& folder, const UniqueFd& opened) {
  struct stat held{};
  struct stat there{};
  if (::fstat(opened.get(), &held) != 0) return failFile("look at", folder, errno);
  if (::stat(folder.c_str(), &there) == 0) return isSame(held, there);
  if (errno == ENOENT) return false;
  return failFile("look at", folder, errno);
}

Result<void> removeAll(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);  // does not follow links
  if (error) return fail(ErrorCode::kIo, path.string() + ": " + error.message());
  return {};
}

// One that was left.
Result<void> removeUnlessHeld(const std::string& folder) {
  TRY(const fs::file_type type, typeOf(folder));
  std::optional<UniqueFd> taken;
  if (type == fs::file_type::directory) {
    TRY(taken, takeFolder(folder));
    if (!taken) return {};
  }
  return removeLeftFolder(folder);
}

}  // namespace

Result<UniqueFd> holdFolder(const std::string& folder) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(UniqueFd opened, openFolder(folder, 0));
    if (::flock(opened.get(), LOCK_SH | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failFile("lock", folder, errno);
      break;
    }
    // It may have been deleted between the two, and made anew.
    TRY(const bool still_there, isStillThere(folder, opened));
    if (still_there) return opened;
  }
  return fail(ErrorCode::kUnavailable, folder + " is being deleted");
}

Result<std::string> stampOf(const UniqueFd& folder) {
  struct stat status{};
  if (::fstat(folder.get(), &status) != 0) return failErrno("cannot look at a folder", errno);
  return fmt::format("{:x}-{:x}", status.st_dev, status.st_ino);
}

Result<void> removeFolder(const std::string& folder) {
  TRY(const fs::file_type type, typeOf(folder));
  // A link leads to what is somebody else's to delete.
  if (type != fs::file_type::directory) return removeAll(folder);
  TRY(const std::optional<UniqueFd> taken, takeFolder(folder));
  if (taken) return removeAll(folder);
  const fs::path mark = markOf(folder);
  return replaceFileDurably(mark.parent_path().string(), mark.filename().string(), "");
}

bool anyFolderIsLeft(const std::string& parent) { return !marksBelow(parent).empty(); }

Result<void> removeLeftFolders(const std::string& parent) {
  Result<void> first;
  for (const fs::path& mark : marksBelow(parent)) {
    auto removed = removeUnlessHeld(fs::path(mark).replace_extension().string());
    if (first && !removed) first = std::move(removed);
  }
  return first;
}

Result<void> removeLeftFolder(const std::string& folder) {
  const fs::path mark = markOf(folder);
  std::error_code error;
  if (!fs::exists(mark, error)) return {};
  TRY_VOID(removeAll(folder));
  return removeAll(mark);
}

}  // namespace nimbus::plugin
