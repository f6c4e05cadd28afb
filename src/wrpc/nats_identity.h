#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "nats/connection.h"
#include "nats/message.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// Who calls, as headers of an invocation say it: "source-id: workload/component", "link-name",
// "binding-id", and "traceparent". They are claims of the peer, good for configuration and logs,
// not for permission; who may publish is the NATS server's business.

// What is empty, or cannot be a header's value, is left out.
[[nodiscard]] nats::Connection::Headers identityHeaders(const Consumer& consumer);
void addTraceParent(nats::Connection::Headers& headers, std::string_view trace_parent);

// Consumer::lease is left to the caller.
[[nodiscard]] Consumer readIdentity(const nats::Message& invocation);
[[nodiscard]] std::string_view readTraceParent(const nats::Message& invocation
                                               [[clang::lifetimebound]]);

// What they add to a message, as they are encoded.
[[nodiscard]] std::size_t encodedSize(const nats::Connection::Headers& headers);

}  // namespace nimbus::wrpc
