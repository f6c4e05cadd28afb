#include "host/calls/failure_log.h"

#include "host/calls/guest_lines.h"
#include "host/calls/held_back.h"
#include "host/egress/denial_counts.h"

namespace nimbus::host {
namespace {

constexpr std::uint32_t kMaxFailuresPerSecond = 20;
constexpr std::uint32_t kMaxRefusalsPerSecond = 1;  // all of them say the same
constexpr std::uint32_t kMaxLinesPerSecond = 200;
constexpr std::size_t kMaxReasonBytes = 8 * 1024;
constexpr std::size_t kMaxRecordBytes = 16 * 1024;
constexpr std::size_t kMaxContextBytes = 256;
constexpr std::string_view kLinesDropped = "guest output was dropped: too many lines a second";
constexpr std::string_view kFailuresUntold = "failures were not logged: too many a second";
constexpr std::string_view kRefusalsUntold = "refusals were not logged: too many a second";
constexpr std::string_view kDenialsUntold = "denials were not logged: too many a second";

// What guests said may be part of it.
std::string cut(std::string_view reason) { return std::string(reason.substr(0, kMaxReasonBytes)); }

std::string reasonOf(const engine::CallOutcome& outcome) {
  std::string reason = cut(outcome.message);
  if (outcome.kind == engine::CallOutcome::Kind::kExit)
    reason += " with status " + std::to_string(outcome.exit_code);
  return reason;
}

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

ComponentLog::ComponentLog(ComponentIdentity identity, Logger& log, const Clock& clock,
                           std::shared_ptr<HeldBack> held_back)
    : identity_(std::move(identity)),
      log_(log),
      held_back_(std::move(held_back)),
      failures_(clock, kMaxFailuresPerSecond),
      refusals_(clock, kMaxRefusalsPerSecond),
      lines_(clock, kMaxLinesPerSecond),
      denials_(clock, kMaxFailuresPerSecond) {}

void ComponentLog::failure(const engine::CallOutcome& outcome) {
  if (!passes(failures_)) return;
  log_.write(LogLevel::kWarn, "a call failed",
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"generation", std::to_string(identity_.generation)},
              {"outcome", std::string(engine::outcomeName(outcome.kind))},
              {"reason", reasonOf(outcome)},
              {"suppressed", std::to_string(failures_.takeSuppressed())}});
}

void ComponentLog::refused(std::string_view why) {
  if (!passes(refusals_)) return;
  log_.write(LogLevel::kWarn, "a call was refused",
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"generation", std::to_string(identity_.generation)},
              {"reason", cut(why)},
              {"suppressed", std::to_string(refusals_.takeSuppressed())}});
}

void ComponentLog::serviceFailed(const engine::CallOutcome& outcome, std::uint64_t restarts,
                                 std::optional<Duration> pause) {
  log_.write(pause ? LogLevel::kWarn : LogLevel::kError,
             pause ? "the service failed and is started again" : "the service failed for good",
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"generation", std::to_string(identity_.generation)},
              {"outcome", std::string(engine::outcomeName(outcome.kind))},
              {"reason", reasonOf(outcome)},
              {"restarts", std::to_string(restarts)},
              {"pauseMs", pause ? milliseconds(*pause) : "none"}});
}

void ComponentLog::serviceCompleted() {
  log_.info("the service has completed", {{"workload", identity_.workload},
                                          {"component", identity_.component},
                                          {"generation", std::to_string(identity_.generation)}});
}

void ComponentLog::line(int stream, std::string_view line) {
  if (auto* lines = dynamic_cast<GuestLines*>(&log_)) return lines->print(stream, line);
  if (!log_.enabled(LogLevel::kInfo) || !passes(lines_)) return;
  log_.write(LogLevel::kInfo, line,
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"stream", stream == 1 ? "stdout" : "stderr"}});
  tellSuppressed(lines_, kLinesDropped);
}

void ComponentLog::record(LogLevel level, std::string_view severity, std::string_view context,
                          std::string_view message) {
  if (!log_.enabled(level) || !passes(lines_)) return;
  log_.write(level, message.substr(0, kMaxRecordBytes),
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"severity", std::string(severity)},
              {"context", std::string(context.substr(0, kMaxContextBytes))}});
  tellSuppressed(lines_, kLinesDropped);
}

bool ComponentLog::passes(RateLimit& limit) {
  if (limit.pass()) return true;
  if (held_back_ && !listed_.exchange(true)) held_back_->add(shared_from_this());
  return false;
}

void ComponentLog::tellHeldBack() {
  listed_ = false;  // first: what is held back from here on lists it again
  tellSuppressed(failures_, kFailuresUntold);
  tellSuppressed(refusals_, kRefusalsUntold);
  tellSuppressed(lines_, kLinesDropped);
  tellSuppressed(denials_, kDenialsUntold);
}

void ComponentLog::tellSuppressed(RateLimit& limit, std::string_view message) {
  if (const std::uint64_t suppressed = limit.takeSuppressed(); suppressed > 0)
    note(LogLevel::kWarn, message, std::to_string(suppressed));
}

void ComponentLog::denied(std::string_view what) {
  countDenial(what);
  if (!passes(denials_)) return;
  note(LogLevel::kWarn, "denied", what);
  tellSuppressed(denials_, kDenialsUntold);
}

void ComponentLog::connectionReset(std::string_view why) {
  if (!passes(failures_)) return;
  note(LogLevel::kWarn, "a connection was reset", why);
  tellSuppressed(failures_, kFailuresUntold);
}

void ComponentLog::note(LogLevel level, std::string_view message, std::string_view detail) {
  if (!log_.enabled(level)) return;
  log_.write(level, message,
             {{"workload", identity_.workload},
              {"component", identity_.component},
              {"detail", cut(detail)}});
}

}  // namespace nimbus::host
