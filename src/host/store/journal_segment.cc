#include "host/store/journal_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kPrefix = "journal.";

std::string pathOf(const std::string& folder, std::uint64_t number) {
  return fmt::format("{}/{}{:010}", folder, kPrefix, number);
}

}  // namespace

Result<JournalSegment> JournalSegment::create(const std::string& folder, std::uint64_t number) {
  std::string path = pathOf(folder, number);
  UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.valid()) return failErrno("cannot create " + path, errno);
  if (const auto synced = syncFolder(folder); !synced) {
    ::unlink(path.c_str());  // the next attempt makes it anew
    return std::unexpected(synced.error());
  }
  return JournalSegment(std::move(path), number, std::move(file), 0);
}

Result<JournalSegment> JournalSegment::open(const std::string& folder, std::uint64_t number) {
  std::string path = pathOf(folder, number);
  UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return failErrno("cannot open " + path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failErrno("cannot read " + path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, path + " is not a regular file");
  return JournalSegment(std::move(path), number, std::move(file),
                        static_cast<std::uint64_t>(status.st_size));
}

Result<std::vector<std::uint64_t>> JournalSegment::numbersIn(const std::string& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto number = parseDecimal(std::string_view(name).substr(kPrefix.size()));
    if (number && pathOf(folder, *number) == folder + "/" + name) numbers.push_back(*number);
  }
  if (error) return failErrno("cannot read " + folder, error.value());
  std::ranges::sort(numbers);
  return numbers;
}

Result<void> JournalSegment::append(std::string_view bytes) {
  const auto giveUp = [this](std::string_view what, int error) {
    sealed_ |= !truncate(bytes_);
    return failErrno(fmt::format("cannot {} {}", what, path_), error);
  };
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = ::write(file_.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return giveUp("write", errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fdatasync(file_.get()) != 0) {
    sealed_ = true;
    return giveUp("sync", errno);
  }
  bytes_ += bytes.size();
  return {};
}

bool JournalSegment::inPlace() const {
  struct stat named{};
  struct stat held{};
  return ::stat(path_.c_str(), &named) == 0 && ::fstat(file_.get(), &held) == 0 &&
         named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

Result<std::string> JournalSegment::read(std::uint64_t offset, std::size_t length) const {
  std::string content(length, '\0');
  std::size_t have = 0;
  while (have < length) {
    const ssize_t count = ::pread(file_.get(), content.data() + have, length - have,
                                  static_cast<off_t>(offset + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failErrno("cannot read " + path_, errno);
    if (count == 0) return fail(ErrorCode::kIo, path_ + " has become shorter");
    have += static_cast<std::size_t>(count);
  }
  return content;
}

Result<void> JournalSegment::truncate(std::uint64_t bytes) {
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0 || ::fdatasync(file_.get()) != 0)
    return failErrno("cannot cut off " + path_, errno);
  bytes_ = bytes;
  return {};
}

Result<void> JournalSegment::remove() {
  sealed_ = true;
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
    return failErrno("cannot delete " + path_, errno);
  return {};
}

}  // namespace nimbus::host
