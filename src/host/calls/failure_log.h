#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/rate_limit.h"
#include "engine/exchange.h"

namespace nimbus::host {

// Who a component is, for the log.
struct ComponentIdentity {
  std::string workload;  // "<namespace>/<name>"
  std::string component;
  std::uint64_t generation = 0;
};

class HeldBack;

// What goes wrong with one component's calls, and what its guests print, in the host's log.
// Bounded in rate, and each record in length: a guest can fill neither disk nor log. Any thread.
class ComponentLog : public std::enable_shared_from_this<ComponentLog> {
 public:
  // `held_back`: sees to it that what is held back is told of soon; if null, the next record that
  // passes says it.
  ComponentLog(ComponentIdentity identity, Logger& log, const Clock& clock,
               std::shared_ptr<HeldBack> held_back = nullptr);

  void failure(const engine::CallOutcome& outcome);
  // No instance took a call, for want of room or time.
  void refused(std::string_view why);
  // What becomes of a service. `restarts`: how often it was started again before; `pause`: until it
  // is again, none if it is not.
  void serviceFailed(const engine::CallOutcome& outcome, std::uint64_t restarts,
                     std::optional<Duration> pause);
  void serviceCompleted();
  void line(int stream, std::string_view line);
  // What a guest wrote by wasi:logging. `severity` is its own word for the level.
  void record(LogLevel level, std::string_view severity, std::string_view context,
              std::string_view message);
  // The guest wanted what its workload's policy forbids.
  void denied(std::string_view what);
  // One from outside did not get through to it.
  void connectionReset(std::string_view why);
  void note(LogLevel level, std::string_view message, std::string_view detail);
  // How much was held back since that was told last, if any was.
  void tellHeldBack();

  [[nodiscard]] const ComponentIdentity& identity() const { return identity_; }

 private:
  [[nodiscard]] bool passes(RateLimit& limit);
  void tellSuppressed(RateLimit& limit, std::string_view message);

  ComponentIdentity identity_;
  Logger& log_;
  const std::shared_ptr<HeldBack> held_back_;
  std::atomic<bool> listed_ = false;  // in held_back_
  RateLimit failures_;
  RateLimit refusals_;
  RateLimit lines_;
  RateLimit denials_;
};

}  // namespace nimbus::host
