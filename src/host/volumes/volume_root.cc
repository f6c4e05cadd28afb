#include "host/volumes/volume_root.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "host/manifest/text_rules.h"
#include "host/store/folder_lock.h"
#include "host/volumes/guest_tree.h"

namespace nimbus::host {
namespace {

namespace fs = std::filesystem;

Result<std::string> makeOwn() {
  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "nimbus-volumes-XXXXXX").string();
  if (error) return failErrno("no temporary folder for volumes", error.value());
  if (::mkdtemp(folder.data()) == nullptr) return failErrno("cannot make " + folder, errno);
  return folder;
}

constexpr std::string_view kDeleted = "deleted-";

// "<namespace>.<workload>.<number>": nothing else there is ours, but for those that are deleted.
bool isVolume(std::string_view name) {
  const auto parts = split(name, '.');
  return parts.size() == 3 && isDnsLabel(parts[0]) && isDnsLabel(parts[1]) &&
         parseDecimal(parts[2]).has_value();
}

bool isDeletedVolume(std::string_view name) {
  const std::size_t last = name.rfind('.');
  return last != std::string_view::npos && isVolume(name.substr(0, last)) &&
         name.substr(last + 1).starts_with(kDeleted);
}

}  // namespace

VolumeRoot::~VolumeRoot() {
  remover_.reset();
  if (own_) static_cast<void>(removeTree(folder_));
}

Result<std::string> VolumeRoot::folder() {
  const std::lock_guard lock(mutex_);
  // A cleaner of temporary files may have taken it, and by now somebody else may know its name.
  if (own_ && !checkOwnFolder(folder_)) {
    folder_.clear();
    own_ = false;
  }
  if (folder_.empty()) {
    TRY(folder_, makeOwn());
    own_ = true;
  } else if (!own_) {
    TRY_VOID(ensureOwnFolder(folder_));
    TRY_VOID(take());
  }
  return folder_;
}

// What a process that was killed has left there is nobody's. Its names may be used again at once.
Result<void> VolumeRoot::take() {
  if (lock_.valid()) return {};
  TRY(lock_, claimFolder(folder_, "volumes"));
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string path = entry->path().string();
    const std::string name = entry->path().filename().string();
    if (isDeletedVolume(name)) {
      remove(path);
    } else if (isVolume(name)) {
      TRY_VOID(discard(path));
    }
  }
  return {};
}

Result<void> VolumeRoot::moveAway(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return discard(path);
}

Result<void> VolumeRoot::discard(const std::string& path) {
  while (true) {
    const std::string away = fmt::format("{}.{}{}", path, kDeleted, moved_++);
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, away.c_str(), RENAME_NOREPLACE) == 0) {
      remove(away);
      return {};
    }
    if (errno != EEXIST) return failErrno("cannot move " + path, errno);
  }
}

void VolumeRoot::remove(std::string path) {
  // What cannot be deleted stays.
  remover_->post([path = std::move(path)] { static_cast<void>(removeTree(path)); });
}

}  // namespace nimbus::host
