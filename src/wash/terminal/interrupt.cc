#include "wash/terminal/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/running_programs.h"
#include "wash/output/exit_status.h"
#include "wash/output/output.h"

namespace nimbus::wash {

namespace {

TimePoint now() { return SystemClock().now(); }

// By which the thread is woken. Nothing comes of it where nobody waits for it.
constexpr int kWake = SIGURG;

// A program that ends this one may signal it and then its whole group, as timeout(1) does: the same
// signal again within that time is the same request.
constexpr std::chrono::milliseconds kEchoTime(100);

[[noreturn]] void endBy(int signal) {
  endRunningPrograms();
  ::_exit(exitStatusOfSignal(signal));
}

}  // namespace

// The thread that waits for signals, for an Interrupt and its parts.
class Interrupt::Waiter {
 public:
  Waiter() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::sigaddset(&signals_, kWake);
    thread_ = std::thread([this] { run(); });
    setCurrent(this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  // What comes from then on stays for whoever unblocks it, as nobody would be told.
  ~Waiter() { end(End::kAtOnce); }

  enum class End : std::uint8_t { kNotYet, kWithWhatHasCome, kAtOnce };
  void end(End end) {
    if (!thread_.joinable()) return;
    setCurrent(nullptr);
    {
      const std::lock_guard lock(mutex_);
      end_ = end;
    }
    wake();
    thread_.join();
  }

  // Null if there is none.
  static Waiter* current() {
    const std::lock_guard lock(current_mutex);
    return current_waiter;
  }
  static std::stop_token currentToken() {
    const std::lock_guard lock(current_mutex);
    return current_waiter == nullptr ? std::stop_token() : current_waiter->token();
  }

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] int signal() const { return signal_; }
  [[nodiscard]] bool leftToFirst() const {
    const std::lock_guard lock(mutex_);
    return signal_ != 0 && !seen_by_part_;
  }

  // The Interrupt with that bound begins, and is the innermost until it leaves.
  void enter(std::chrono::milliseconds bound) {
    {
      const std::lock_guard lock(mutex_);
      bounds_.push_back(bound);
      follow();
    }
    wake();
  }
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      bounds_.pop_back();
      follow();
    }
    wake();
  }

 private:
  static void setCurrent(Waiter* waiter) {
    const std::lock_guard lock(current_mutex);
    current_waiter = waiter;
  }

  // What a signal that has come means for who lives now. Under the mutex.
  void follow() {
    deadline_.reset();
    if (signal_ == 0 || bounds_.empty()) return;
    seen_by_part_ = seen_by_part_ || bounds_.size() > 1;
    // Where a part was told, the whole comes to its end.
    if (bounds_.size() == 1 && seen_by_part_) return;
    if (bounds_.back() != kUnbounded) deadline_ = now() + bounds_.back();
  }

  void wake() {
    if (thread_.joinable()) ::pthread_kill(thread_.native_handle(), kWake);
  }

  void run() {
    // Whoever wakes it before has said why before.
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    while (true) {
      const int signal = next(patience());
      if (signal > 0 && signal != kWake) received(signal);
      const std::lock_guard lock(mutex_);
      if (end_ == End::kAtOnce) return;
      if (signal > 0) continue;
      if (end_ != End::kNotYet) return;
      if (deadline_ && now() >= *deadline_) endBy(signal_);
    }
  }

  // How long the next signal is waited for; at the end, only those that have come are taken.
  std::optional<Duration> patience() {
    const std::lock_guard lock(mutex_);
    if (end_ != End::kNotYet) return Duration::zero();
    if (!deadline_) return std::nullopt;
    return std::max<Duration>(*deadline_ - now(), Duration::zero());
  }

  // Its number, or -1 once that time has passed.
  int next(std::optional<Duration> patience) {
    if (!patience) return ::sigwaitinfo(&signals_, nullptr);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*patience);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = (*patience - seconds).count()};
    return ::sigtimedwait(&signals_, nullptr, &time);
  }

  void received(int signal) {
    {
      const std::lock_guard lock(mutex_);
      if (signal == signal_ && now() - received_at_ < kEchoTime) return;
      if (signal_ != 0) endBy(signal_);
      signal_ = signal;
      received_at_ = now();
      follow();
    }
    source_.request_stop();
  }

  static inline std::mutex current_mutex;
  static inline Waiter* current_waiter = nullptr;

  std::stop_source source_;
  std::atomic<int> signal_ = 0;  // the first that came
  TimePoint received_at_;        // when that was
  sigset_t signals_{};
  mutable std::mutex mutex_;
  std::vector<std::chrono::milliseconds> bounds_;  // of those that live, the innermost last
  std::optional<TimePoint> deadline_;
  bool seen_by_part_ = false;
  End end_ = End::kNotYet;
  std::thread thread_;
};

Interrupt::Interrupt(std::chrono::milliseconds bound)
    : own_(Waiter::current() == nullptr ? std::make_unique<Waiter>() : nullptr),
      waiter_(*Waiter::current()) {
  waiter_.enter(bound);
}

Interrupt::~Interrupt() { waiter_.leave(); }

void Interrupt::end() {
  if (own_) own_->end(Waiter::End::kWithWhatHasCome);
}

std::stop_token Interrupt::token() const { return waiter_.token(); }

bool Interrupt::received() const { return waiter_.signal() != 0; }

std::stop_token Interrupt::current() { return Waiter::currentToken(); }

bool Interrupt::leftToThis() const { return waiter_.leftToFirst(); }

int Interrupt::status() const { return exitStatusOfSignal(waiter_.signal()); }

void Interrupt::endProcess() const { endBy(waiter_.signal()); }

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

}  // namespace nimbus::wash
