#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>

#include "base/check.h"
#include "net/fd_watch.h"
#include "net/watch.h"

namespace nimbus::net {
namespace {

sigset_t terminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

sigset_t hangUpSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  return signals;
}

class SignalFdWatch final : public SignalWatch, private FdWatch::Waiter {
 public:
  SignalFdWatch(FdWatch watch, std::function<void()> received)
      : watch_(std::move(watch)), received_(std::make_shared<Callback>(std::move(received))) {
    watch_.wait(FdWatch::Direction::kRead, *this);
  }
  ~SignalFdWatch() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

 private:
  using Callback = std::function<void()>;

  void ready() override {
    bool destroyed = false;
    destroyed_ = &destroyed;
    const std::shared_ptr<Callback> received = received_;  // the callback may destroy the watch
    signalfd_siginfo info;
    while (!destroyed && ::read(watch_.fd(), &info, sizeof info) == sizeof info) {
      (*received)();
    }
    if (destroyed) return;
    destroyed_ = nullptr;
    watch_.wait(FdWatch::Direction::kRead, *this);
  }

  FdWatch watch_;
  std::shared_ptr<Callback> received_;
  bool* destroyed_ = nullptr;
};

}  // namespace

void blockTerminationSignals() {
  const sigset_t signals = terminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

TerminationSignalsBlocked::TerminationSignalsBlocked() {
  const sigset_t signals = terminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
}

TerminationSignalsBlocked::~TerminationSignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void blockHangUps() {
  const sigset_t signals = hangUpSignal();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Result<std::unique_ptr<SignalWatch>> watchHangUps(Shard& shard, std::function<void()> received) {
  NIMBUS_CHECK(shard.onThread());
  const sigset_t signals = hangUpSignal();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return failErrno("cannot watch signals", errno);
  TRY(FdWatch readable, FdWatch::open(shard, std::move(fd)));
  return std::make_unique<SignalFdWatch>(std::move(readable), std::move(received));
}

}  // namespace nimbus::net
