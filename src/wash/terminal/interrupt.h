#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "base/result.h"
#include "net/watch.h"
#include "wash/output/exit_status.h"
#include "wash/output/output.h"

namespace nimbus::wash {

// Turns SIGINT and SIGTERM into a request to stop, for commands that run programs and block. A
// second signal ends the process at once. Made on the main thread, before any thread starts that
// does not block them; while it lives signals are blocked there.
class Interrupt {
 public:
  Interrupt() : Interrupt(kUnbounded) {}
  // It ends the process as a second signal does, too, if it still stands that long after the first:
  // for what cannot always be told to stop, such as guests that write to a full pipe.
  explicit Interrupt(std::chrono::milliseconds bound);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // That of the one that there is; else one that never stops. Any thread.
  [[nodiscard]] static std::stop_token current();
  // Whether a signal has come. Any thread.
  [[nodiscard]] bool received() const { return source_.stop_requested(); }
  // The status of a process that it ends: 128 and its number.
  [[nodiscard]] int status() const { return exitStatusOfSignal(signal_); }

 private:
  static constexpr std::chrono::milliseconds kUnbounded{-1};
  void wait(int signals);
  [[noreturn]] void endProcess() const;

  const std::chrono::milliseconds bound_;
  const net::TerminationSignalsBlocked blocked_;
  std::stop_source source_;
  std::atomic<int> signal_ = 0;  // the first that came
  int ending_ = -1;              // an eventfd that ends the thread
  std::thread waiter_;
};

// That a signal ended the command, as a failure is told. Returns its status.
[[nodiscard]] int reportInterrupted(OutputFormat format, const Interrupt& interrupt);
// As reportFailure(); but if it was interrupted, that is what ended the command, with its status.
[[nodiscard]] int reportFailure(OutputFormat format, const Error& error,
                                const Interrupt& interrupt);

}  // namespace nimbus::wash
