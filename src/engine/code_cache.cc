#include "engine/code_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "engine/code_cache_file.h"

namespace nimbus::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".code";

class Mapping {
 public:
  Mapping(int fd, std::size_t size)
      : data_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_ != MAP_FAILED) ::munmap(data_, size_);
  }
  [[nodiscard]] bool ok() const { return data_ != MAP_FAILED; }
  [[nodiscard]] ByteView view() const { return {static_cast<const std::uint8_t*>(data_), size_}; }

 private:
  void* data_;
  std::size_t size_;
};

bool isHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return hexDigit(c) >= 0; });
}

// Whether a file has a name that pathOf() or put() gives: nothing else in the folder is ours.
bool isOurs(std::string_view name) {
  constexpr std::size_t kDigits = 2 * sizeof(Sha256);
  constexpr std::size_t kStem = kDigits + 1 + 2 * sizeof(CodeCache::Fingerprint);
  constexpr std::size_t kTemporary = 6;  // digits and letters, mkostemp(3)
  if (name.size() < kStem) return false;
  const std::string_view stem = name.substr(0, kStem);
  std::string_view rest = name.substr(kStem);
  if (!isHex(stem.substr(0, kDigits)) || stem[kDigits] != '-' || !isHex(stem.substr(kDigits + 1)) ||
      !rest.starts_with(kSuffix))
    return false;
  rest.remove_prefix(kSuffix.size());
  if (rest.empty()) return true;
  return rest.size() == 1 + kTemporary && rest[0] == '.' &&
         std::ranges::all_of(rest.substr(1), [](char c) {
           const char lower = lowerAscii(c);
           return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
         });
}

Result<void> checkFolder(const std::string& folder) {
  struct stat info{};
  if (::lstat(folder.c_str(), &info) != 0) return failErrno("cannot use " + folder, errno);
  if (!S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kPermissionDenied, folder + " is not a folder");
  }
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                "the code cache " + folder +
                    " must belong to this user with mode 0700: whoever can write there can run "
                    "code in this process");
  }
  return {};
}

}  // namespace

CodeCache::Entry::Entry(Entry&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), code_bytes_(other.code_bytes_) {}

CodeCache::Entry::~Entry() {
  if (fd_ >= 0) ::close(fd_);
}

std::string CodeCache::Entry::path() const { return "/proc/self/fd/" + std::to_string(fd_); }

Result<CodeCache> CodeCache::open(std::string folder, std::uint64_t max_bytes, Logger& log) {
  // With a slash at its end the name would mean what a link there points at.
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failErrno("cannot make " + folder, errno);
  }
  TRY_VOID(checkFolder(folder));
  return CodeCache(std::move(folder), max_bytes, log);
}

std::string CodeCache::pathOf(const Sha256& digest, const Fingerprint& fingerprint) const {
  std::string path = folder_ + "/" + toHex(digest) + "-" + toHex(fingerprint);
  path += kSuffix;
  return path;
}

std::optional<CodeCache::Entry> CodeCache::find(const Sha256& digest,
                                                const Fingerprint& fingerprint) {
  const std::string path = pathOf(digest, fingerprint);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return std::nullopt;
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return std::nullopt;
  const bool own = S_ISREG(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 022) == 0;
  if (own && info.st_size > 0) {
    const Mapping mapping(fd.get(), static_cast<std::size_t>(info.st_size));
    if (!mapping.ok()) return std::nullopt;
    if (const auto code = verifyCodeFile(mapping.view(), {digest, fingerprint})) {
      // The access time orders eviction; noatime mounts do not keep it.
      const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
      ::futimens(fd.get(), now);
      return Entry(fd.release(), code->size());
    }
  }
  log_->warn("damaged or foreign file in the code cache: deleted", {{"file", path}});
  ::unlink(path.c_str());
  return std::nullopt;
}

Result<void> CodeCache::put(const Sha256& digest, const Fingerprint& fingerprint, ByteView code) {
  const std::string path = pathOf(digest, fingerprint);
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return failErrno("cannot write the code cache", errno);
  const CodeTrailer trailer = encodeTrailer({digest, fingerprint}, code);
  const auto written = [&]() -> Result<void> {
    TRY_VOID(writeAll(fd, temporary, code));
    TRY_VOID(writeAll(fd, temporary, trailer));
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      return failErrno("cannot write the code cache", errno);
    }
    return {};
  }();
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  evict(path);
  return {};
}

void CodeCache::evict(std::string_view keep) {
  struct File {
    std::string path;
    std::uint64_t bytes;
    timespec used;
  };
  std::vector<File> files;
  std::uint64_t total = 0;
  std::error_code error;
  // Not a range-for, which throws if the folder cannot be read on.
  for (fs::directory_iterator item(folder_, error); !error && item != fs::directory_iterator();
       item.increment(error)) {
    struct stat info{};
    const std::string path = item->path();
    if (!isOurs(item->path().filename().native())) continue;
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    total += static_cast<std::uint64_t>(info.st_size);
    if (path != keep) {
      files.push_back({path, static_cast<std::uint64_t>(info.st_size), info.st_atim});
    }
  }
  const auto when = [](const File& file) { return std::pair(file.used.tv_sec, file.used.tv_nsec); };
  std::ranges::sort(files, {}, when);
  for (const File& file : files) {
    if (total <= max_bytes_) break;
    // Processes that have it mapped keep it; the name is gone.
    if (::unlink(file.path.c_str()) == 0) total -= file.bytes;
  }
}

}  // namespace nimbus::engine
