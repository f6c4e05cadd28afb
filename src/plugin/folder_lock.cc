#include "plugin/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace nimbus::plugin {

Result<UniqueFd> lockFolder(const std::string& folder) {
  TRY_VOID(ensurePrivateFolder(folder));
  const std::string path = folder + "/.lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return failErrno(path, errno);
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failErrno(path, errno);
  }
  return file;
}

}  // namespace nimbus::plugin
