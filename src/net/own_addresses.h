#pragma once

#include "net/address.h"

namespace nimbus::net {

// Whether a network interface of this machine has the address now. Asks the kernel (some 20 us);
// if it does not say, the answer is yes. Any thread.
[[nodiscard]] bool isOwnAddress(const IpAddress& address);

}  // namespace nimbus::net
