#pragma once

#include <string_view>

#include "project/build.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {

// Tells of a build in lines on standard error, where what the tools write goes too, and shows that
// it goes on.
class TerminalBuildProgress final : public project::BuildProgress {
 public:
  TerminalBuildProgress() : line_("Building", StatusLine::Elsewhere::kNothing) {}
  void step(std::string_view what) override;
  void output(ProcessStream stream, std::string_view chunk) override;
  void note(std::string_view text) override;

  // For what else takes time during the build.
  [[nodiscard]] StatusLine& line() { return line_; }

 private:
  StatusLine line_;
};

}  // namespace nimbus::wash
