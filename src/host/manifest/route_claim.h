#pragma once

#include "host/manifest/manifest.h"

namespace nimbus::host {

// Whether both claim the same requests with equal right: no route is more specific than the other.
[[nodiscard]] bool sameClaim(const RouteSpec& a, const RouteSpec& b);

}  // namespace nimbus::host
