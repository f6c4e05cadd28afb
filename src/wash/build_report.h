#pragma once

#include <string>
#include <vector>

#include "project/build.h"
#include "wash/output.h"

namespace nimbus::wash {

// Tells of a build in lines on standard error, where what the tools write goes too.
class PlainBuildProgress final : public project::BuildProgress {
 public:
  void step(std::string_view what) override;
  void output(ProcessStream stream, std::string_view chunk) override;
  void note(std::string_view text) override;
};

// The result for a user: path, size, time and what the component exports; with `verbose` also what
// it imports.
[[nodiscard]] std::string buildText(const project::BuildOutcome& outcome, bool verbose);

// The `data` of `-o json`.
[[nodiscard]] std::vector<DataField> buildFields(const project::BuildOutcome& outcome,
                                                 const std::string& project_folder);

}  // namespace nimbus::wash
