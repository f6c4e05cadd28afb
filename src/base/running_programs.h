#pragma once

#include <sys/types.h>

namespace nimbus {

// The programs that this process runs now, each with a process group of its own: Ctrl-C on a
// terminal does not reach those, so they must be ended by whoever ends this process. Any thread.
void noteProgram(pid_t pid);
// Before its status is taken: its number may be another's from then on.
void forgetProgram(pid_t pid);

// Ends all of them: SIGTERM, and SIGKILL after two seconds. Blocks that long at most. May be called
// where signals are handled; the process ends after it.
void endRunningPrograms();

// From now on SIGINT, SIGTERM and SIGHUP end the programs before they end this process. Nothing
// changes for threads that block them, nor where they are ignored or handled already.
void endProgramsOnSignals();

}  // namespace nimbus
