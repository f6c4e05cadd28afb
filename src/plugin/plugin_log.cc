#include "plugin/plugin_log.h"

#include <cstdio>
#include <utility>

#include "base/escape.h"

namespace nimbus::plugin {
namespace {

LogLevel levelOf(logging::Level level) {
  switch (level) {
    case logging::Level::kTrace: return LogLevel::kTrace;
    case logging::Level::kDebug: return LogLevel::kDebug;
    case logging::Level::kInfo: return LogLevel::kInfo;
    case logging::Level::kWarn: return LogLevel::kWarn;
    case logging::Level::kError:
    case logging::Level::kCritical: break;
  }
  return LogLevel::kError;
}

// In one write, so that lines of threads do not mix.
void write(std::FILE* to, std::string line) {
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), to);
  std::fflush(to);
}

}  // namespace

PrintLine printToStderr(std::string plugin_name) {
  return [name = std::move(plugin_name)](int /*stream*/, std::string_view line) {
    std::string safe = "[";
    appendEscaped(safe, name);
    safe += "] ";
    appendEscaped(safe, line);
    write(stderr, std::move(safe));
  };
}

PrintLine printThrough() {
  return [](int stream, std::string_view line) {
    write(stream == 1 ? stdout : stderr, std::string(line));
  };
}

void PluginLogSink::record(const wrpc::Consumer& /*from*/, logging::Level level,
                           std::string_view context, std::string_view message) {
  const LogLevel as = levelOf(level);
  if (!log_.enabled(as)) return;
  if (context.empty()) {
    log_.write(as, message, {{"plugin", plugin_name_}});
  } else {
    log_.write(as, message, {{"plugin", plugin_name_}, {"context", std::string(context)}});
  }
}

}  // namespace nimbus::plugin
