#pragma once

#include <string>
#include <vector>

#include "dev/held.h"
#include "host/manifest/manifest.h"

namespace nimbus::dev {

// What a plan runs as.
struct DevWorkloads {
  host::WorkloadSpec app;  // the project's components, and what is composed with them
  // Those of dev.host_plugins that others call, a workload each: what it remembers outlives edits
  // of the rest.
  std::vector<host::WorkloadSpec> host_plugins;
  // Interfaces that their components import and nobody is known to export: they may be of types
  // alone, which need nobody.
  std::vector<std::string> unserved;
  Held held;  // of the plugins that serve them

  friend bool operator==(const DevWorkloads&, const DevWorkloads&) = default;
};

}  // namespace nimbus::dev
