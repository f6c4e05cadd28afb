#pragma once

#include "dev/dev_event.h"
#include "host/workload/runtime.h"

namespace nimbus::dev {

// What a service does, as an event.
[[nodiscard]] DevEvent eventOf(const host::ServiceNews& news);

}  // namespace nimbus::dev
