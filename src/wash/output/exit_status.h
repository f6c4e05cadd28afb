#pragma once

namespace nimbus::wash {

// Of a process that a signal ends, as shells have it: 130 for Ctrl-C, 143 for SIGTERM.
[[nodiscard]] constexpr int exitStatusOfSignal(int signal) { return 128 + signal; }

}  // namespace nimbus::wash
