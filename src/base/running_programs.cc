#include "base/running_programs.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace nimbus {
namespace {

// One that does not fit is ended by its handle only.
constexpr std::size_t kMaxPrograms = 256;
constexpr int kGraceTicks = 100;
constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 20'000'000};

std::array<std::atomic<pid_t>, kMaxPrograms> programs;  // 0: free
std::atomic<int> starting{0};                           // ProgramStart that stand
std::atomic<bool> ending{false};
static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void signalAll(int signal) {
  for (const auto& program : programs) {
    if (const pid_t pid = program; pid > 0) ::kill(-pid, signal);
  }
}

// Reaps those that have ended. The rest of their groups is dealt with at the end.
bool anyRuns() {
  bool any = false;
  for (const auto& program : programs) {
    const pid_t pid = program;
    any = any || (pid > 0 && ::waitpid(pid, nullptr, WNOHANG) == 0);
  }
  return any;
}

// Calls nothing but what may be called here (signal-safety(7)).
void handle(int signal) {
  const int before = errno;
  endRunningPrograms();
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  ::sigaction(signal, &usual, nullptr);
  ::raise(signal);  // comes when this returns
  errno = before;
}

}  // namespace

ProgramStart::ProgramStart() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  ++starting;  // before `ending` is asked: endRunningPrograms asks in the other order
}

ProgramStart::~ProgramStart() {
  --starting;
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool ProgramStart::refused() const { return ending; }

void ProgramStart::note(pid_t pid) const {
  for (auto& program : programs) {
    pid_t free = 0;
    if (program.compare_exchange_strong(free, pid)) return;
  }
}

void forgetProgram(pid_t pid) {
  for (auto& program : programs) {
    pid_t known = pid;
    if (program.compare_exchange_strong(known, 0)) return;
  }
}

void endRunningPrograms() {
  ending = true;
  for (int i = 0; i < kGraceTicks && starting > 0; ++i) ::nanosleep(&kTick, nullptr);
  signalAll(SIGTERM);
  for (int i = 0; i < kGraceTicks && anyRuns(); ++i) ::nanosleep(&kTick, nullptr);
  signalAll(SIGKILL);
}

void endProgramsOnSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction ours{};
    ours.sa_handler = handle;
    ::sigfillset(&ours.sa_mask);
    ::sigaction(signal, &ours, nullptr);
  }
}

}  // namespace nimbus
