#include "oci/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace nimbus::oci {

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::unexpected<Error> failFor(std::string_view what, const std::string& path, int error) {
  const std::string message =
      fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(error));
  if (error == ENOENT) return fail(ErrorCode::kNotFound, message);
  if (error == EACCES || error == EPERM) return fail(ErrorCode::kPermissionDenied, message);
  return fail(ErrorCode::kIo, message);
}

Result<std::string> readFile(const std::string& path, std::size_t max_bytes) {
  // Not blocking: opening a FIFO must not hang.
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failFor("open", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failFor("read", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a regular file", path));
  const auto too_large = [&] {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} is larger than {} bytes", path, max_bytes));
  };
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return too_large();
  std::string content(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == content.size()) content.resize(size + 64 * 1024);
    const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFor("read", path, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size > max_bytes) return too_large();
  }
  content.resize(size);
  return content;
}

Result<void> writeAll(const OpenFile& file, const std::string& path, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFor("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

namespace {

// Other processes and threads write beside the same file.
std::string temporaryBeside(const std::string& path) {
  static std::atomic<unsigned> count{0};
  return fmt::format("{}.{}-{}.tmp", path, ::getpid(), count++);
}

Result<void> writeSynced(const std::string& path, ByteView content, unsigned mode) {
  const OpenFile file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.valid()) return failFor("create", path, errno);
  TRY_VOID(writeAll(file, path, content));
  if (::fsync(file.get()) != 0) return failFor("sync", path, errno);
  return {};
}

}  // namespace

Result<void> replaceFile(const std::string& path, ByteView content, unsigned mode) {
  const std::string temporary = temporaryBeside(path);
  Result<void> done = writeSynced(temporary, content, mode);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = failFor("write", path, errno);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

Result<void> ensurePrivateFolder(const std::string& folder) {
  std::error_code error;
  const auto parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return failFor("create", parent.string(), error.value());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return failFor("create", folder, errno);
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return failFor("open", folder, errno);
  if (!S_ISDIR(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a folder", folder));
  if (status.st_uid != ::geteuid())
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the folder {} belongs to another user", folder));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the folder {} is open to other users (mode {:o}); make it 0700",
                            folder, status.st_mode & 07777));
  return {};
}

}  // namespace nimbus::oci
