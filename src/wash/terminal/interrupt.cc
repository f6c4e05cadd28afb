#include "wash/terminal/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <utility>

#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/running_programs.h"
#include "net/watch.h"
#include "wash/output/output.h"

namespace nimbus::wash {

namespace {

std::mutex current_mutex;
std::stop_token current_token;

void setCurrent(std::stop_token token) {
  const std::lock_guard lock(current_mutex);
  current_token = std::move(token);
}

}  // namespace

std::stop_token Interrupt::current() {
  const std::lock_guard lock(current_mutex);
  return current_token;
}

Interrupt::Interrupt(std::chrono::milliseconds bound)
    : bound_(bound), ending_(::eventfd(0, EFD_CLOEXEC)) {
  setCurrent(token());
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  waiter_ = std::thread([this, signals] {
    wait(signals);
    ::close(signals);
  });
}

Interrupt::~Interrupt() {
  setCurrent({});
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(ending_, &one, sizeof one);
  waiter_.join();
  ::close(ending_);
}

int reportFailure(OutputFormat format, const Error& error, const Interrupt& interrupt) {
  if (!interrupt.received()) return reportFailure(format, error);
  return reportInterrupted(format, interrupt);
}

int reportInterrupted(OutputFormat format, const Interrupt& interrupt) {
  if (format == OutputFormat::kJson) {
    static_cast<void>(reportFailure(format, Error(ErrorCode::kCancelled, "interrupted")));
  } else {
    std::fputs("interrupted\n", stderr);
  }
  return interrupt.status();
}

void Interrupt::endProcess() const {
  endRunningPrograms();
  ::_exit(exitStatusOfSignal(signal_));
}

void Interrupt::wait(int signals) {
  while (true) {
    std::array<pollfd, 2> waits{{{ending_, POLLIN, 0}, {signals, POLLIN, 0}}};
    const auto bound = received() ? bound_ : kUnbounded;
    const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(bound.count()));
    if (ready < 0) continue;
    if (ready == 0) endProcess();
    if (waits[0].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    const auto signal = static_cast<int>(info.ssi_signo);
    int none = 0;
    signal_.compare_exchange_strong(none, signal);
    if (!source_.request_stop()) endProcess();
  }
}

}  // namespace nimbus::wash
