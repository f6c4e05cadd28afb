#pragma once

#include <functional>
#include <memory>

#include "base/task.h"
#include "engine/outgoing_request.h"
#include "http/handler.h"

namespace nimbus::host {

// How failures of who answers are told to who asks: as an error-code (WASI 0.3); else as a response
// like any other, since the caller never sees it (WASI 0.2).
enum class FailuresAs { kResponses, kErrorCodes };

// Answers a request.
using Answer = std::move_only_function<Task<void>(http::ServerRequest&, http::ResponseWriter&)>;

// Has a request that a guest passes on answered like one from outside, and closes it. The guest's
// losing interest ends the answering.
[[nodiscard]] Task<void> passRequest(std::shared_ptr<engine::OutgoingRequest> request,
                                     FailuresAs failures, Answer answer);

}  // namespace nimbus::host
