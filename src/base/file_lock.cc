#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/files.h"

namespace nimbus {
namespace {

Result<UniqueFd> openToLock(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return failFile("open", path, errno);
  return file;
}

}  // namespace

Result<UniqueFd> lockFile(const std::string& path) {
  TRY(UniqueFd file, openToLock(path));
  while (::flock(file.get(), LOCK_EX) != 0)
    if (errno != EINTR) return failFile("lock", path, errno);
  return file;
}

Result<std::optional<UniqueFd>> tryLockFile(const std::string& path) {
  TRY(UniqueFd file, openToLock(path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) return std::nullopt;
  return failFile("lock", path, errno);
}

}  // namespace nimbus
