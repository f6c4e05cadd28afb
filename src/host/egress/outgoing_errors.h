#pragma once

#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace nimbus::host {

// The case of wasi:http/types.error-code that a guest sees when its request got no response:
// what failed, and how far it had come.
[[nodiscard]] std::string_view outgoingErrorCode(http::ClientStage stage, const Error& error);

// The same for a response whose content broke off.
[[nodiscard]] std::string_view outgoingContentErrorCode(const Error& error);

}  // namespace nimbus::host
