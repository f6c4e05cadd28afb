#pragma once

#include <memory>

#include "engine/published_port.h"
#include "host/calls/failure_log.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// A port of the machine, and where in the workload's network it is to lead.
struct LedPort {
  std::shared_ptr<const engine::PublishedPort> published;
  ServicePort spec;

  // From now on. The log is told of connections that are reset.
  void leadInto(const engine::PrivateNetwork& network, std::shared_ptr<ComponentLog> log) const;
};

}  // namespace nimbus::host
