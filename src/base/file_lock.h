#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

// Locks between processes, and between objects of one process: flock(2) on a file, which is made,
// with mode 0600, if it is missing. Symbolic links are not followed. Held until the result goes.
namespace nimbus {

// Waits for whoever has it. Errors as failFile() gives them.
[[nodiscard]] Result<UniqueFd> lockFile(const std::string& path);

// nullopt: somebody has it.
[[nodiscard]] Result<std::optional<UniqueFd>> tryLockFile(const std::string& path);

}  // namespace nimbus
