#include "net/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>

namespace nimbus::net {
namespace {

constexpr rlim_t kMostDescriptors = 1024 * 1024;

std::atomic<std::uint64_t> shortages{0};

}  // namespace

void reserveStandardDescriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The least free number, which is this one; opened for what it will not be used for.
    static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

std::uint64_t descriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur;
}

std::uint64_t raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    // If it is refused the old limit stays, and is what is returned.
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return descriptorLimit();
}

std::uint64_t openDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') count += 1;
  }
  return count - 1;  // without the folder's own
}

std::uint64_t descriptorShortages() { return shortages.load(std::memory_order_relaxed); }
void noteDescriptorShortage() { shortages.fetch_add(1, std::memory_order_relaxed); }

}  // namespace nimbus::net
