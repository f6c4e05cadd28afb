#include "host/deploy/published_ports.h"

#include <fmt/format.h>

#include "net/address.h"

namespace nimbus::host {

Result<std::vector<LedPort>> PublishedPorts::open(const WorkloadSpec& spec) {
  std::vector<LedPort> led;
  if (!spec.service) return led;
  for (const ServicePort& port : spec.service->ports) {
    auto& known = ports_[fmt::format("{} {}", spec.id(), port.published_at)];
    std::shared_ptr<const engine::PublishedPort> published = known.lock();
    if (!published) {
      TRY(const net::Endpoint where, net::Endpoint::parse(port.published_at));
      auto listening = engine::PublishedPort::listen(where, patience_);
      if (!listening)
        return fail(listening.error().code(), port.origin, std::move(listening).error());
      known = published = *std::move(listening);
    }
    led.push_back({std::move(published), port});
  }
  return led;
}

}  // namespace nimbus::host
