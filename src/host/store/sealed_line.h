#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// A record of the host's state folder: one line of JSON that carries the digest of what it says,
// so that a line which was cut off or changed is noticed (docs/formats/workload-store.md).
namespace nimbus::host {

// The line, with its line feed. The record is JSON without line feeds.
[[nodiscard]] std::string sealLine(std::string_view record);

// The exact bytes of the record, once they match their digest; kInvalidArgument says what is
// damaged. `line` ends with its line feed.
[[nodiscard]] Result<std::string_view> openSealedLine(std::string_view line
                                                      [[clang::lifetimebound]]);

}  // namespace nimbus::host
