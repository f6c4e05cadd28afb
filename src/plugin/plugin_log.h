#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "capability/logging/logging.h"

namespace nimbus::plugin {

// Where a plugin's lines go: (1 or 2, line without its end). Any thread.
using PrintLine = std::function<void(int stream, std::string_view line)>;

// To standard error, each line with the plugin's name in front and made safe to print.
[[nodiscard]] PrintLine printToStderr(std::string plugin_name);
// As the streams are, each line with its end.
[[nodiscard]] PrintLine printThrough();

// Records of wasi:logging, into the log of `wash` with the plugin's name. `log` outlives it.
class PluginLogSink final : public logging::Sink {
 public:
  PluginLogSink(std::string plugin_name, Logger& log)
      : plugin_name_(std::move(plugin_name)), log_(log) {}
  void record(const wrpc::Consumer& from, logging::Level level, std::string_view context,
              std::string_view message) override;

 private:
  const std::string plugin_name_;
  Logger& log_;
};

}  // namespace nimbus::plugin
