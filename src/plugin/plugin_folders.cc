#include "plugin/plugin_folders.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/files.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

// No name of a folder has a dot.
constexpr const char* kMark = ".removed";

fs::path markOf(const fs::path& folder) { return folder.string() + kMark; }

std::vector<fs::path> marksBelow(const std::string& parent) {
  std::vector<fs::path> marks;
  std::error_code error;
  for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == kMark) marks.push_back(at->path());
  return marks;
}

Result<UniqueFd> openFolder(const std::string& folder) {
  UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened.valid()) return failFile("open", folder, errno);
  return opened;
}

// A folder that is there, for oneself; nullopt: somebody holds it.
Result<std::optional<UniqueFd>> takeFolder(const std::string& folder) {
  TRY(UniqueFd opened, openFolder(folder));
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno == EWOULDBLOCK) return std::nullopt;
  return failFile("lock", folder, errno);
}

Result<void> removeAll(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);  // does not follow links
  if (error) return fail(ErrorCode::kIo, path.string() + ": " + error.message());
  return {};
}

}  // namespace

Result<UniqueFd> holdFolder(const std::string& folder) {
  TRY(UniqueFd opened, openFolder(folder));
  if (::flock(opened.get(), LOCK_SH | LOCK_NB) == 0) return opened;
  if (errno == EWOULDBLOCK) return fail(ErrorCode::kUnavailable, folder + " is being deleted");
  return failFile("lock", folder, errno);
}

Result<void> removeFolder(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return {};
  TRY(const std::optional<UniqueFd> taken, takeFolder(folder));
  if (taken) return removeAll(folder);
  const fs::path mark = markOf(folder);
  return replaceFileDurably(mark.parent_path().string(), mark.filename().string(), "");
}

bool anyFolderIsLeft(const std::string& parent) { return !marksBelow(parent).empty(); }

Result<void> removeLeftFolders(const std::string& parent) {
  for (const fs::path& mark : marksBelow(parent)) {
    const std::string folder = fs::path(mark).replace_extension().string();
    std::optional<UniqueFd> taken;
    if (std::error_code error; fs::exists(folder, error)) {
      TRY(taken, takeFolder(folder));
      if (!taken) continue;
    }
    TRY_VOID(removeLeftFolder(folder));
  }
  return {};
}

Result<void> removeLeftFolder(const std::string& folder) {
  const fs::path mark = markOf(folder);
  std::error_code error;
  if (!fs::exists(mark, error)) return {};
  TRY_VOID(removeAll(folder));
  return removeAll(mark);
}

}  // namespace nimbus::plugin
