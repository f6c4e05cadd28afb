#pragma once

#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <functional>

// For the tests of this folder only.
namespace nimbus::host {

// Runs `work` while no file may grow beyond so many bytes, as on a full disk.
inline void withFilesUpTo(std::uint64_t most, const std::function<void()>& work) {
  struct rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);  // as the program does
  const rlimit tight{.rlim_cur = most, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  work();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
}

}  // namespace nimbus::host
