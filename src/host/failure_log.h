#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "engine/exchange.h"

namespace nimbus::host {

// At most so many events a second, with a burst of the same size; counts what it holds back. Any
// thread.
class RateLimit {
 public:
  RateLimit(const Clock& clock, std::uint32_t per_second)
      : clock_(clock), per_second_(per_second) {}
  // True if the event may pass.
  [[nodiscard]] bool pass();
  // Events held back since the last call.
  [[nodiscard]] std::uint64_t takeSuppressed() { return suppressed_.exchange(0); }

 private:
  const Clock& clock_;
  const std::uint32_t per_second_;
  std::atomic<std::int64_t> second_{-1};
  std::atomic<std::uint32_t> passed_{0};
  std::atomic<std::uint64_t> suppressed_{0};
};

// Who a component is, for the log.
struct ComponentIdentity {
  std::string workload;  // "<namespace>/<name>"
  std::string component;
  std::uint64_t generation = 0;
};

// What goes wrong with one component's calls, and what its guests print, in the host's log.
// Bounded in rate: a guest can fill neither disk nor log. Any thread.
class ComponentLog {
 public:
  ComponentLog(ComponentIdentity identity, Logger& log, const Clock& clock);

  void failure(const engine::CallOutcome& outcome);
  void line(int stream, std::string_view line);
  // What a guest wrote by wasi:logging. `severity` is its own word for the level.
  void record(LogLevel level, std::string_view severity, std::string_view context,
              std::string_view message);
  // The guest wanted what its workload's policy forbids.
  void denied(std::string_view what);
  void note(LogLevel level, std::string_view message, std::string_view detail);

  [[nodiscard]] const ComponentIdentity& identity() const { return identity_; }

 private:
  void tellSuppressed();

  ComponentIdentity identity_;
  Logger& log_;
  RateLimit failures_;
  RateLimit lines_;
  RateLimit denials_;
};

}  // namespace nimbus::host
