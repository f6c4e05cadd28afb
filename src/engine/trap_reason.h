#pragma once

#include <string>
#include <string_view>

namespace nimbus::engine {

// Of what the engine tells of a guest's failure, why it failed, in one line: where it did so is for
// the log.
[[nodiscard]] std::string trapReason(std::string_view message);

}  // namespace nimbus::engine
