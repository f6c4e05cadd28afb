#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "wash/output.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// What the global options say.
struct GlobalOptions {
  OutputFormat format = OutputFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// Where a command leaves what is to be done once the command line has been read.
using Action = std::function<int()>;

// Each adds its sub-command; reading the command line then sets `action`.
void addRunCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addInspectCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addBindgenCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addHostCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addWorkloadCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addProviderCommand(CLI::App& app, const GlobalOptions& global, Action& action);

}  // namespace nimbus::wash
