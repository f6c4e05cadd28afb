#include "host/store/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include <fmt/format.h>

namespace nimbus::host {

constexpr std::string_view kLockFile = "lock";

Result<UniqueFd> lockFolder(const std::string& folder, std::string_view what) {
  const std::string path = folder + "/" + std::string(kLockFile);
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return failErrno("cannot open " + path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return fail(ErrorCode::kAlreadyExists,
                fmt::format("the {} folder {} is in use by another host", what, folder));
  return failErrno("cannot lock " + path, errno);
}

}  // namespace nimbus::host
