#include "host/calls/led_port.h"

#include <utility>

#include <fmt/format.h>

namespace nimbus::host {
namespace {

std::string refusalText(const ServicePort& port, engine::PortRefusal why) {
  if (why == engine::PortRefusal::kTooMany)
    return fmt::format("{}: there are as many connections as there may be", port.published_at);
  return fmt::format("{}: nobody listens on port {} of the service", port.published_at, port.port);
}

}  // namespace

void LedPort::leadInto(const engine::PrivateNetwork& network,
                       std::shared_ptr<ComponentLog> log) const {
  published->leadTo(network, spec.port,
                    [spec = spec, log = std::move(log)](engine::PortRefusal why) {
                      log->connectionReset(refusalText(spec, why));
                    });
}

}  // namespace nimbus::host
