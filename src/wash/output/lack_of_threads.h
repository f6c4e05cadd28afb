#pragma once

namespace nimbus::wash {

// From now on the process ends with one line on standard error and exit status 1 when it needs a
// thread and cannot have one (a limit on processes, as of `ulimit -u` or a control group), wherever
// that happens: without its threads no part of it can go on or be taken down.
void explainLackOfThreads();

}  // namespace nimbus::wash
