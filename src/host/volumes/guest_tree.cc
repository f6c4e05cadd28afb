#include "host/volumes/guest_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace nimbus::host {
namespace {

constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks
constexpr unsigned kDeepestRemoved = 32;    // what lies deeper is moved up first
constexpr int kMostPasses = 16;             // over one folder that is deleted

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// Null with errno if it cannot be opened.
OpenFolder openFolder(int parent, const char* name) {
  const int descriptor = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  OpenFolder folder(::fdopendir(descriptor));
  if (folder) return folder;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return nullptr;
}

// It was deleted, or something else put in its place, since it was seen.
bool isGone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

// The next entry but "." and ".."; null at the end.
const dirent* nextEntry(DIR* folder) {
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry;
  }
  return nullptr;
}

class Measuring {
 public:
  explicit Measuring(std::uint64_t enough) : enough_(enough) {}

  Result<void> folder(int parent, const char* name, unsigned depth) {
    const OpenFolder opened = openFolder(parent, name);
    if (!opened) {
      if (depth > 0 && isGone(errno)) return {};
      return failErrno(std::string("cannot look into ") + name, errno);
    }
    DIR* const here = opened.get();
    while (const dirent* entry = nextEntry(here)) {
      struct stat found{};
      if (::fstatat(::dirfd(here), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
      count(found);
      if (over()) return {};
      if (!S_ISDIR(found.st_mode)) continue;
      if (depth == kDeepestFolder) {
        use_.too_deep = true;
        return {};
      }
      TRY_VOID(folder(::dirfd(here), entry->d_name, depth + 1));
      if (over() || use_.too_deep) return {};
    }
    return {};
  }
  [[nodiscard]] const TreeUse& use() const { return use_; }

 private:
  [[nodiscard]] bool over() const { return use_.bytes > enough_; }
  void count(const struct stat& found) {
    use_.bytes += kEntryBytes;
    const bool linked = !S_ISDIR(found.st_mode) && found.st_nlink > 1;
    if (linked && !linked_.emplace(found.st_dev, found.st_ino).second) return;
    use_.bytes += static_cast<std::uint64_t>(found.st_blocks) * kBlockBytes;
  }

  const std::uint64_t enough_;
  TreeUse use_;
  std::set<std::pair<dev_t, ino_t>> linked_;
};

class Removing {
 public:
  explicit Removing(int top) : top_(top) {}

  // What lies too deep comes to the top, where the next pass finds it.
  Result<void> content(DIR* here, unsigned depth) {
    while (const dirent* entry = nextEntry(here)) {
      const int parent = ::dirfd(here);
      if (::unlinkat(parent, entry->d_name, 0) == 0 || errno == ENOENT) continue;
      if (errno != EISDIR) return cannotDelete(entry->d_name);
      if (depth == kDeepestRemoved) {
        TRY_VOID(moveUp(parent, entry->d_name));
        continue;
      }
      TRY_VOID(folder(parent, entry->d_name, depth));
    }
    return {};
  }

  [[nodiscard]] bool movedAny() { return std::exchange(moved_, false); }

 private:
  static std::unexpected<Error> cannotDelete(const char* name) {
    return failErrno(std::string("cannot delete ") + name, errno);
  }

  // Some file systems leave entries out while others are deleted.
  Result<void> folder(int parent, const char* name, unsigned depth) {
    const OpenFolder below = openFolder(parent, name);
    if (!below) return cannotDelete(name);
    for (int pass = 0; pass < kMostPasses; ++pass) {
      ::rewinddir(below.get());
      TRY_VOID(content(below.get(), depth + 1));
      if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return {};
      if (errno != ENOTEMPTY) break;
    }
    return cannotDelete(name);
  }

  Result<void> moveUp(int parent, const char* name) {
    while (true) {
      const std::string up = "up-" + std::to_string(next_++);
      if (::renameat2(parent, name, top_, up.c_str(), RENAME_NOREPLACE) == 0) break;
      if (errno != EEXIST) return cannotDelete(name);
    }
    moved_ = true;
    return {};
  }

  const int top_;
  std::uint64_t next_ = 0;
  bool moved_ = false;
};

// Where an open file is or was; more than one where that is not known.
std::vector<std::string> pathsOf(int descriptors, const char* name, VolumesOfFile volumes_of) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(descriptors, name, target.data(), target.size());
  if (size > 0 && target.front() == '/') {
    target.resize(static_cast<std::size_t>(size));
    return {std::move(target)};
  }
  if (size >= 0 || errno != ENAMETOOLONG) return {};
  std::vector<std::string> folders;
  for (const std::string& volume : volumes_of(std::atoi(name))) {
    std::error_code error;
    const auto real = std::filesystem::canonical(volume, error);
    if (!error) folders.push_back(real.string() + "/");
  }
  return folders;
}

}  // namespace

Result<TreeUse> useOf(const std::string& folder, std::uint64_t enough) {
  Measuring measuring(enough);
  TRY_VOID(measuring.folder(AT_FDCWD, folder.c_str(), 0));
  return measuring.use();
}

Result<void> removeTree(const std::string& folder) {
  const OpenFolder top = openFolder(AT_FDCWD, folder.c_str());
  if (!top) return failErrno("cannot delete " + folder, errno);
  Removing removing(::dirfd(top.get()));
  do {
    ::rewinddir(top.get());
    TRY_VOID(removing.content(top.get(), 0));
  } while (removing.movedAny());
  if (::rmdir(folder.c_str()) != 0) return failErrno("cannot delete " + folder, errno);
  return {};
}

std::vector<UnnamedFile> unnamedFiles(VolumesOfFile volumes_of) {
  std::vector<UnnamedFile> files;
  std::set<std::pair<dev_t, ino_t>> seen;
  const OpenFolder descriptors = openFolder(AT_FDCWD, "/proc/self/fd");
  if (!descriptors) return files;
  const int here = ::dirfd(descriptors.get());
  while (const dirent* entry = nextEntry(descriptors.get())) {
    std::vector<std::string> paths = pathsOf(here, entry->d_name, volumes_of);
    if (paths.empty()) continue;
    struct stat found{};
    if (::fstatat(here, entry->d_name, &found, 0) != 0 || found.st_nlink > 0) continue;
    if (!S_ISREG(found.st_mode) || !seen.emplace(found.st_dev, found.st_ino).second) continue;
    for (std::string& path : paths)
      files.push_back({std::move(path), static_cast<std::uint64_t>(found.st_blocks) * kBlockBytes});
  }
  return files;
}

}  // namespace nimbus::host
