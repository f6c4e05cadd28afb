#pragma once

#include <string>
#include <vector>

namespace nimbus::engine {

// The folders of this machine that were volumes of the guest which was the last to open a file by
// that descriptor number; none if no guest did. The number may mean another file by now. Any
// thread.
[[nodiscard]] std::vector<std::string> volumesOfFile(int descriptor);

}  // namespace nimbus::engine
