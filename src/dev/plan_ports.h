#pragma once

#include <vector>

#include "base/result.h"
#include "host/manifest/manifest.h"
#include "project/settings.h"

namespace nimbus::dev {

// The ports of dev.service_ports that are published. Others only say what the service listens on.
[[nodiscard]] Result<std::vector<host::ServicePort>> planPorts(const project::DevSettings& dev);

}  // namespace nimbus::dev
