#include "host/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace nimbus::host {
namespace {

// Adds what the caller can act on to an errno value.
std::unexpected<Error> failFor(std::string_view what, const std::string& path, int error) {
  const std::string message =
      fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(error));
  if (error == ENOENT) return fail(ErrorCode::kNotFound, message);
  if (error == EACCES || error == EPERM) return fail(ErrorCode::kPermissionDenied, message);
  return fail(ErrorCode::kIo, message);
}

Result<void> writeAll(const OpenFile& file, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFor("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> writeSynced(const std::string& path, std::string_view content) {
  const OpenFile file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                             S_IRUSR | S_IWUSR));
  if (!file.valid()) return failFor("create", path, errno);
  TRY_VOID(writeAll(file, path, content));
  if (::fsync(file.get()) != 0) return failFor("sync", path, errno);
  return {};
}

}  // namespace

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
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

std::vector<FileStamp> stampsOf(const WorkloadSpec& spec) {
  std::vector<FileStamp> stamps;
  for (const ComponentSpec& member : spec.members()) stamps.push_back(stampOf(member.file));
  return stamps;
}

Result<std::string> readFile(const std::string& path, std::size_t max_bytes) {
  // Not blocking: opening a FIFO must not hang.
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failFor("open", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failFor("read", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a regular file", path));
  std::string content;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFor("read", path, errno);
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > max_bytes)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} is larger than {} bytes", path, max_bytes));
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

Result<void> syncFolder(const std::string& folder) {
  const OpenFile opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return failFor("open", folder, errno);
  if (::fsync(opened.get()) != 0) return failFor("sync", folder, errno);
  return {};
}

Result<void> replaceFileDurably(const std::string& folder, const std::string& name,
                                std::string_view content) {
  const std::string path = folder + "/" + name;
  const std::string temporary = path + std::string(kTemporarySuffix);
  Result<void> written = writeSynced(temporary, content);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = failFor("replace", path, errno);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return syncFolder(folder);
}

Result<void> removeFileDurably(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return failFor("delete", path, errno);
  }
  return syncFolder(folder);
}

namespace {

// Made if it is missing; its parents too.
Result<void> makePrivateFolder(const std::string& folder) {
  std::error_code error;
  const auto parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return failFor("create", parent.string(), error.value());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return failFor("create", folder, errno);
  return {};
}

Result<struct stat> statFolder(const std::string& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return failFor("open", folder, errno);
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

Result<OpenFile> lockFolder(const std::string& folder, std::string_view what) {
  const std::string path = folder + "/" + std::string(kLockFile);
  OpenFile lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!lock.valid()) return failErrno("cannot open " + path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return fail(ErrorCode::kAlreadyExists,
                fmt::format("the {} folder {} is in use by another host", what, folder));
  return failErrno("cannot lock " + path, errno);
}

}  // namespace nimbus::host
