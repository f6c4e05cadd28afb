#include "base/loadable_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>

#include <fmt/format.h>

#include "base/files.h"

namespace nimbus {

Result<void> checkLoadable(std::string_view what, const std::string& path, std::size_t max_bytes) {
  const std::string load = fmt::format("load {}", what);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return failFile(load, path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot {} {}: it is not a regular file", load, path));
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("cannot {} {}: it is larger than {} bytes", load, path, max_bytes));
  return {};
}

}  // namespace nimbus
