#pragma once

#include <string>
#include <vector>

#include "host/manifest/manifest.h"
#include "plugin/permissions.h"
#include "plugin/plugin.h"

namespace nimbus::plugin {

// What a plugin may do that runs as a component of a workload, where nobody is asked any more.

// Entries of allowedHosts. What was agreed to is HTTP; an entry without a scheme would let a
// component open sockets as well.
[[nodiscard]] std::vector<std::string> allowedHostsOf(const Permissions& permissions);
// Of these entries, the ports of this machine: that a host of it was agreed to is not enough for a
// component.
[[nodiscard]] std::vector<std::string> loopbackPortsOf(const std::vector<std::string>& hosts);

}  // namespace nimbus::plugin
