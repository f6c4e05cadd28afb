#include "host/calls/component_log_sink.h"

namespace nimbus::host {
namespace {

struct Severity {
  LogLevel level;
  std::string_view name;
};

Severity severityOf(logging::Level level) {
  switch (level) {
    case logging::Level::kTrace: return {LogLevel::kTrace, "trace"};
    case logging::Level::kDebug: return {LogLevel::kDebug, "debug"};
    case logging::Level::kInfo: return {LogLevel::kInfo, "info"};
    case logging::Level::kWarn: return {LogLevel::kWarn, "warn"};
    case logging::Level::kError: return {LogLevel::kError, "error"};
    case logging::Level::kCritical: return {LogLevel::kError, "critical"};
  }
  return {LogLevel::kError, "unknown"};
}

}  // namespace

void ComponentLogSink::record(const wrpc::Consumer& /*from*/, logging::Level level,
                              std::string_view context, std::string_view message) {
  const Severity severity = severityOf(level);
  log_->record(severity.level, severity.name, context, message);
}

}  // namespace nimbus::host
