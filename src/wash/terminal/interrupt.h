#pragma once

#include <chrono>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "net/watch.h"
#include "wash/output/output.h"

namespace nimbus::wash {

// Turns SIGINT and SIGTERM into a request to stop, for commands that run programs and block. A
// second signal ends the process at once, unless it is the same one within a tenth of a second.
// Made on the main thread, before any thread starts that does not block them; while it lives
// signals are blocked there.
//
// One that is made while another lives is a part of that: it ends before it, and both are told of
// the same signals, so that one that comes before a part is made stops that at its beginning.
class Interrupt {
 public:
  Interrupt() : Interrupt(kUnbounded) {}
  // It ends the process as a second signal does, too, if it still stands that long after the first:
  // for what cannot always be told to stop, such as guests that write to a full pipe. While a part
  // lives, that one's bound counts, if it has any; so it is with one part in another. Behind parts
  // that were told of the signal, the whole has no bound.
  explicit Interrupt(std::chrono::milliseconds bound);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  [[nodiscard]] std::stop_token token() const;
  // That of the one that there is; else one that never stops. Any thread.
  [[nodiscard]] static std::stop_token current();
  // Whether a signal has come. Any thread.
  [[nodiscard]] bool received() const;
  // What has come until then is known after it, and what comes later is left to whoever waits next.
  // For a part, those are the parts that follow. On the main thread.
  void end();
  // Whether one has come, and no part of this one has lived since.
  [[nodiscard]] bool leftToThis() const;
  // Whether this is no part of another: nothing follows it that is to be told of the signal.
  [[nodiscard]] bool isWhole() const { return own_ != nullptr; }
  // The status of a process that it ends: 128 and its number.
  [[nodiscard]] int status() const;
  // Ends the process, and the programs that it runs. After a signal.
  [[noreturn]] void endProcess() const;

 private:
  class Waiter;
  static constexpr std::chrono::milliseconds kUnbounded{-1};

  const net::TerminationSignalsBlocked blocked_;
  const std::unique_ptr<Waiter> own_;  // null where this is a part
  Waiter& waiter_;
};

// That a signal ended the command, as a failure is told. Returns its status.
[[nodiscard]] int reportInterrupted(OutputFormat format, const Interrupt& interrupt);
// As reportFailure(); but if it was interrupted, that is what ended the command, with its status.
[[nodiscard]] int reportFailure(OutputFormat format, const Error& error,
                                const Interrupt& interrupt);

}  // namespace nimbus::wash
