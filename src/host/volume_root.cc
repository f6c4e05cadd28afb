#include "host/volume_root.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "host/files.h"

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

}  // namespace

VolumeRoot::~VolumeRoot() {
  remover_.reset();
  std::error_code ignored;
  if (own_) fs::remove_all(folder_, ignored);
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
  }
  return folder_;
}

void VolumeRoot::remove(std::string path) {
  remover_->post([path = std::move(path)] {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  });
}

}  // namespace nimbus::host
