#include "wash/terminal/build_progress.h"

#include <string>

namespace nimbus::wash {

void TerminalBuildProgress::step(std::string_view what) {
  line_.print("running " + std::string(what) + "\n");
}

void TerminalBuildProgress::output(ProcessStream /*stream*/, std::string_view chunk) {
  line_.print(chunk);
}

void TerminalBuildProgress::note(std::string_view text) {
  line_.print("note: " + std::string(text) + "\n");
}

}  // namespace nimbus::wash
