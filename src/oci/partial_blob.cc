#include "oci/partial_blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/file_lock.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr int kLockAttempts = 8;

bool isStillAt(const UniqueFd& file, const std::string& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// The file, locked; nothing if another download has it.
Result<std::optional<UniqueFd>> openLocked(const std::string& path) {
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    TRY(std::optional<UniqueFd> file, tryLockFile(path));
    // Whoever had the lock may have finished and moved the file to where nobody may write to it.
    if (!file || isStillAt(*file, path)) return file;
  }
  return std::nullopt;
}

Result<UniqueFd> openOwn(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return failFile("create", path, errno);
  return file;
}

}  // namespace

Result<std::unique_ptr<PartialBlob>> PartialBlob::open(const std::string& folder,
                                                       const Descriptor& blob) {
  static std::atomic<unsigned> count{0};
  std::string path = folder + "/" + std::string(blob.digest.hex());
  // A file system without locks is no reason to do without the blob.
  std::optional<UniqueFd> file = openLocked(path).value_or(std::nullopt);
  const bool shared = file.has_value();
  if (!shared) {
    path += fmt::format(".{}-{}", ::getpid(), count++);
    TRY(file, openOwn(path));
  }
  std::unique_ptr<PartialBlob> partial(
      new PartialBlob(std::move(path), *std::move(file), blob.digest, shared));
  TRY_VOID(partial->readWhatIsThere(blob.size));
  return partial;
}

PartialBlob::~PartialBlob() {
  const bool useless = !shared_ || broken_ || size_ == 0;
  if (!moved_ && useless) ::unlink(path_.c_str());
}

Result<void> PartialBlob::readWhatIsThere(std::uint64_t most) {
  std::vector<std::uint8_t> buffer(kReadBytes);
  for (;;) {
    const ssize_t count = ::read(file_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFile("read", path_, errno);
    if (count == 0) return {};
    size_ += static_cast<std::uint64_t>(count);
    if (size_ > most) return restart();
    hasher_.add(ByteView(buffer).first(static_cast<std::size_t>(count)));
  }
}

Result<void> PartialBlob::append(ByteView bytes) {
  if (auto written = writeAll(file_, path_, bytes); !written) {
    broken_ = true;
    return written;
  }
  hasher_.add(bytes);
  size_ += bytes.size();
  return {};
}

Result<void> PartialBlob::restart() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
    return failFile("write", path_, errno);
  hasher_.restart();
  size_ = 0;
  return {};
}

bool PartialBlob::verify() { return hasher_.finish() == wanted_; }

Result<void> PartialBlob::moveTo(const std::string& path) {
  if (::fsync(file_.get()) != 0) {
    broken_ = true;
    return failFile("sync", path_, errno);
  }
  if (::rename(path_.c_str(), path.c_str()) != 0) return failFile("write", path, errno);
  moved_ = true;
  return {};
}

}  // namespace nimbus::oci
