#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace nimbus::host {

// Holds the folder for this object alone, by a lock on a file in it, until the result goes.
// kAlreadyExists if another process, or another object of this one, does: "the state folder … is in
// use by another host". `what` says which folder it is.
[[nodiscard]] Result<UniqueFd> claimFolder(const std::string& folder, std::string_view what);

}  // namespace nimbus::host
