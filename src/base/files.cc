#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace nimbus {

std::unexpected<Error> failFile(std::string_view what, const std::string& path, int error) {
  const std::string message =
      fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(error));
  if (error == ENOENT) return fail(ErrorCode::kNotFound, message);
  if (error == EACCES || error == EPERM) return fail(ErrorCode::kPermissionDenied, message);
  return fail(ErrorCode::kIo, message);
}

Result<std::string> absolutePath(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return failFile("find the current folder for", path, error.value());
  return absolute.string();
}

FileStamp stampOf(const std::string& path) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return {};
  const auto nanoseconds = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

namespace {

// Up to the end of the file: less than `room` bytes are all that there is, or up to an error.
std::size_t readUpTo(int file, char* data, std::size_t room, int& error) {
  std::size_t size = 0;
  while (size < room) {
    const ssize_t count = ::read(file, data + size, room - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  return size;
}

std::unexpected<Error> tooLarge(const std::string& name, std::size_t max_bytes) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("{} is larger than {} bytes", name, max_bytes));
}

}  // namespace

Result<std::string> readFile(const std::string& path, std::size_t max_bytes) {
  // Not blocking: opening a FIFO must not hang.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failFile("open", path, errno);
  return readFile(file, path, max_bytes);
}

Result<std::string> readFile(const UniqueFd& file, const std::string& path, std::size_t max_bytes) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failFile("read", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a regular file", path));
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return tooLarge(path, max_bytes);
  std::string content;
  std::size_t room = static_cast<std::size_t>(status.st_size) + 1;
  for (;;) {
    const std::size_t before = content.size();
    int error = 0;
    content.resize_and_overwrite(before + room, [&](char* data, std::size_t) {
      return before + readUpTo(file.get(), data + before, room, error);
    });
    if (error != 0) return failFile("read", path, error);
    if (content.size() > max_bytes) return tooLarge(path, max_bytes);
    if (content.size() < before + room) return content;
    room = 64 * 1024;  // it has grown meanwhile
  }
}

Result<std::string> readToEnd(int descriptor, const std::string& name, std::size_t max_bytes) {
  std::string content;
  int error = 0;
  content.resize_and_overwrite(max_bytes + 1, [&](char* data, std::size_t room) {
    return readUpTo(descriptor, data, room, error);
  });
  if (error != 0) return failFile("read", name, error);
  if (content.size() > max_bytes) return tooLarge(name, max_bytes);
  return content;
}

Result<void> writeAll(const UniqueFd& file, const std::string& path, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFile("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

namespace {

// Other processes and threads write beside the same file.
std::string temporaryBeside(const std::string& path) {
  static std::atomic<unsigned> count{0};
  return fmt::format("{}.{}-{}{}", path, ::getpid(), count++, kTemporarySuffix);
}

// `how` a file of that name is met: O_EXCL or O_TRUNC.
Result<void> writeSynced(const std::string& path, ByteView content, int how, unsigned mode) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | how | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.valid()) return failFile("create", path, errno);
  TRY_VOID(writeAll(file, path, content));
  if (::fsync(file.get()) != 0) return failFile("sync", path, errno);
  return {};
}

Result<void> replaceBy(const std::string& temporary, const std::string& path, ByteView content,
                       int how, unsigned mode) {
  Result<void> done = writeSynced(temporary, content, how, mode);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = failFile("write", path, errno);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace

Result<void> replaceFile(const std::string& path, ByteView content, unsigned mode) {
  return replaceBy(temporaryBeside(path), path, content, O_EXCL, mode);
}

Result<void> replaceFileDurably(const std::string& folder, const std::string& name,
                                std::string_view content) {
  const std::string path = folder + "/" + name;
  TRY_VOID(replaceBy(path + std::string(kTemporarySuffix), path, asBytes(content), O_TRUNC, 0600));
  return syncFolder(folder);
}

Result<void> syncFolder(const std::string& folder) {
  const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return failFile("open", folder, errno);
  if (::fsync(opened.get()) != 0) return failFile("sync", folder, errno);
  return {};
}

namespace {

// Made if it is missing; its parents too.
Result<void> makePrivateFolder(const std::string& folder) {
  std::error_code error;
  const auto parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return failFile("create", parent.string(), error.value());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return failFile("create", folder, errno);
  return {};
}

Result<struct stat> statFolder(const std::string& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return failFile("open", folder, errno);
  if (!S_ISDIR(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a folder", folder));
  return status;
}

}  // namespace

Result<void> ensurePrivateFolder(const std::string& folder) {
  TRY_VOID(makePrivateFolder(folder));
  TRY(const struct stat status, statFolder(folder));
  if (status.st_uid != ::geteuid())
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the folder {} belongs to another user", folder));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the folder {} is open to other users (mode {:o}); make it 0700",
                            folder, status.st_mode & 07777));
  return {};
}

Result<void> checkOwnFolder(const std::string& folder) {
  TRY(const struct stat status, statFolder(folder));
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the folder {} belongs to another user", folder));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("other users may write to the folder {} (mode {:o}); make it 0700",
                            folder, status.st_mode & 07777));
  return {};
}

Result<void> ensureOwnFolder(const std::string& folder) {
  TRY_VOID(makePrivateFolder(folder));
  return checkOwnFolder(folder);
}

}  // namespace nimbus
