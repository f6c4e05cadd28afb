#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus {

// That there is a regular file of at most `max_bytes` which can be opened: for what a library will
// read by its path, and whom a FIFO or a device in its place would keep waiting. kNotFound,
// kPermissionDenied, kIo, kResourceExhausted (too large), kInvalidArgument (not a regular file)
// with "cannot load <what> <path>: <why>".
[[nodiscard]] Result<void> checkLoadable(std::string_view what, const std::string& path,
                                         std::size_t max_bytes);

}  // namespace nimbus
