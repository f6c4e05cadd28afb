#pragma once

#include <optional>
#include <string>

#include "http/message.h"
#include "net/address.h"

namespace nimbus::wash {

// Where a listener is: "http://127.0.0.1:8000", or "unix:PATH" of a Unix socket, which has no URL.
[[nodiscard]] std::string servedPlace(const net::Endpoint& bound, http::Scheme scheme);
// The URL of what it serves: "http://127.0.0.1:8000/".
[[nodiscard]] std::optional<std::string> servedUrl(const net::Endpoint& bound, http::Scheme scheme);

}  // namespace nimbus::wash
