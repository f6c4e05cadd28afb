#include "dev/plan_ports.h"

#include <fmt/format.h>

#include "project/published_address.h"

namespace nimbus::dev {

Result<std::vector<host::ServicePort>> planPorts(const project::DevSettings& dev) {
  std::vector<host::ServicePort> ports;
  for (std::size_t i = 0; i < dev.service_ports.size(); ++i) {
    const project::PortSettings& port = dev.service_ports[i];
    if (!port.publish) continue;
    TRY(std::string address, project::publishedAddress(dev.address, *port.publish));
    ports.push_back({.name = port.name,
                     .port = port.port,
                     .published_at = std::move(address),
                     .origin = fmt::format("dev.service_ports[{}].publish", i)});
  }
  return ports;
}

}  // namespace nimbus::dev
