#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::project {

// Where this machine listens for a port of dev.service_ports that is published: at the address of
// `dev_address`, or on 127.0.0.1 if that is a Unix socket.
[[nodiscard]] Result<std::string> publishedAddress(std::string_view dev_address,
                                                   std::uint16_t port);

}  // namespace nimbus::project
