#pragma once

#include <signal.h>
#include <sys/types.h>

namespace nimbus {

// The programs that this process runs now, each with a process group of its own: Ctrl-C on a
// terminal does not reach those, so they must be ended by whoever ends this process. Any thread.

// Stands while one is started: a program may run before its number is known, and must not be missed
// by whoever ends them then. Signals to this thread wait meanwhile.
class ProgramStart {
 public:
  ProgramStart();
  ProgramStart(const ProgramStart&) = delete;
  ProgramStart& operator=(const ProgramStart&) = delete;
  ~ProgramStart();

  // Whether all programs are being ended: nothing may be started any more.
  [[nodiscard]] bool refused() const;
  void note(pid_t pid) const;

 private:
  sigset_t before_;
};

// Before its status is taken: its number may be another's from then on.
void forgetProgram(pid_t pid);

// Ends all of them: SIGTERM, and SIGKILL after two seconds. Blocks twice that long at most. May be
// called where signals are handled; the process ends after it.
void endRunningPrograms();

// From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT end the programs before they end this process.
// Nothing changes for threads that block them, nor where they are ignored or handled already.
void endProgramsOnSignals();

}  // namespace nimbus
