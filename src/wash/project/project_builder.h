#pragma once

#include <string>
#include <vector>

#include "project/build.h"
#include "project/config.h"
#include "wash/command.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {

// PATH of this process, or where programs usually are if it has none.
[[nodiscard]] std::string processPath();
// This program, for builds that call it; empty if that is not known.
[[nodiscard]] std::string ownProgram();

// What builds the project that `folder` is of, as `wash build` does without further flags: with its
// configuration, over which `flags` go, and the tools of this process's PATH. kNotFound: no folder.
[[nodiscard]] Result<project::BuildRequest> buildRequestFor(
    const std::string& folder, const std::vector<project::ConfigFlag>& flags,
    const GlobalOptions& global);

// Builds, and shows on standard error that it goes on and what the tools print. The interrupt ends
// it.
[[nodiscard]] Result<project::BuildOutcome> buildOnTerminal(project::BuildRequest request,
                                                            const Interrupt& interrupt);

}  // namespace nimbus::wash
