#pragma once

#include <optional>
#include <string>

#include "http/message.h"
#include "net/address.h"

namespace nimbus::wash {

// What a listener serves, without a path: "http://127.0.0.1:8000". There is none for a Unix socket.
[[nodiscard]] std::optional<std::string> servedUrl(const net::Endpoint& bound, http::Scheme scheme);

// The same for people and logs: a Unix socket is "unix:PATH".
[[nodiscard]] std::string servedPlace(const net::Endpoint& bound, http::Scheme scheme);

}  // namespace nimbus::wash
