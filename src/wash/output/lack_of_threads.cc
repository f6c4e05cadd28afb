#include "wash/output/lack_of_threads.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>
#include <system_error>

#include "wash/output/output.h"

namespace nimbus::wash {
namespace {

constexpr std::string_view kMessage =
    "error: cannot start a thread: the limit of processes and threads is reached (ulimit -u, or "
    "pids.max of the control group)\n";

std::terminate_handler otherwise = nullptr;

bool isLackOfThreads(const std::exception_ptr& cause) {
  try {
    if (cause != nullptr) std::rethrow_exception(cause);
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_unavailable_try_again;
  } catch (...) {
    return false;  // what else ends a process so is a bug
  }
  return false;
}

[[noreturn]] void terminate() {
  if (isLackOfThreads(std::current_exception())) {
    (void)!::write(STDERR_FILENO, kMessage.data(), kMessage.size());
    ::_exit(kExitFailed);
  }
  if (otherwise != nullptr) otherwise();
  std::abort();
}

}  // namespace

void explainLackOfThreads() { otherwise = std::set_terminate(terminate); }

}  // namespace nimbus::wash
