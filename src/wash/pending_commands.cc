#include "wash/command.h"
namespace nimbus::wash {
void addHostCommand(CLI::App&, const GlobalOptions&, Action&) {}
void addWorkloadCommand(CLI::App&, const GlobalOptions&, Action&) {}
}  // namespace nimbus::wash
