#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace nimbus {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kText, kJson };

// One `key=value` of a log record.
struct LogField {
  std::string_view key;
  std::string value;
};

// Structured log of the process. Any thread may log; each record is one line, written whole.
// `log.info("workload serves", {{"workload", name}, {"generation", std::to_string(n)}});`
class Logger {
 public:
  virtual ~Logger() = default;

  [[nodiscard]] virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::kDebug)) write(LogLevel::kDebug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::kInfo)) write(LogLevel::kInfo, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::kWarn)) write(LogLevel::kWarn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::kError)) write(LogLevel::kError, message, fields);
  }
};

// Writes to standard error through an OutputQueue; its end takes two seconds at most. Records:
//   2026-01-31T12:00:00.123Z INFO  workload serves workload=shop note="two words"
//   {"time":"2026-01-31T12:00:00.123Z","level":"info","message":"workload
//   serves","workload":"shop"}
// Control characters and line breaks in messages and values are escaped, so that a guest or a peer
// cannot forge records.
[[nodiscard]] std::unique_ptr<Logger> makeStderrLogger(LogLevel level, LogFormat format);

// The same to a descriptor, with the time of `clock`. It has it open, too: a pipe ends after it.
[[nodiscard]] std::unique_ptr<Logger> makeDescriptorLogger(int descriptor, LogLevel level,
                                                           LogFormat format, const Clock& clock);

// The same to a function, which gets each record as a line with its end, one at a time.
[[nodiscard]] std::unique_ptr<Logger> makeLogger(std::function<void(std::string_view line)> write,
                                                 LogLevel level, LogFormat format,
                                                 const Clock& clock);

// Drops everything; for tests and quiet commands.
[[nodiscard]] std::unique_ptr<Logger> makeNullLogger();

}  // namespace nimbus
