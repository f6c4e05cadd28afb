#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wrpc/invoker.h"

namespace nimbus::plugin {

// The interfaces that plugins import, of all contracts: "nimbus:wash/types@0.1.0", ….
[[nodiscard]] std::vector<std::string> contractInterfaces();

// Serves them to components that nobody calls by their contract: plugins composed into what they
// serve. All that can be done with a contract begins with a runner, which comes with such calls, so
// there is nothing here to be had; but what imports it can be run.
[[nodiscard]] std::shared_ptr<wrpc::Invoker> contractsWithoutRunners();

}  // namespace nimbus::plugin
