#pragma once

#include "base/result.h"
#include "nats/connection.h"

namespace nimbus::wrpc {

// The three digits by which a NATS server, or a server of ours, says that a call fails. The dialect
// itself only knows channels that end too early.

// On the message that refuses a call or ends its results.
[[nodiscard]] nats::Connection::Headers statusHeaders(ErrorCode code);
// What a status means; none (0) and the two hundreds are fine.
[[nodiscard]] Result<void> checkStatus(int status);

}  // namespace nimbus::wrpc
