#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "wrpc/invoker.h"
#include "wrpc/service.h"

// Our side of wit/nested.wit.
namespace nimbus::interop {

[[nodiscard]] wrpc::Interface serveNested();

// Calls both functions of a peer; what was not as it should be.
[[nodiscard]] Task<std::vector<std::string>> checkNested(wrpc::Invoker& invoker,
                                                         wrpc::Session& session,
                                                         const wrpc::CallContext& context);

}  // namespace nimbus::interop
