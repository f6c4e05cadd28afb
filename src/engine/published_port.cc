#include "engine/published_port.h"

#include <utility>

#include "engine/ffi.h"

namespace nimbus::engine {

Result<std::unique_ptr<PublishedPort>> PublishedPort::listen(const net::Endpoint& where,
                                                             Duration patience) {
  const std::size_t size = where.address.isV4() ? 4 : 16;
  NimbusPort* raw =
      nimbus_port_new(where.address.bytes().data(), size, where.port, patience.count());
  if (raw == nullptr)
    return failLast(ErrorCode::kUnavailable, "cannot listen on " + where.toString());
  return std::unique_ptr<PublishedPort>(new PublishedPort(raw));
}

PublishedPort::~PublishedPort() { nimbus_port_free(raw_); }

void PublishedPort::leadTo(const PrivateNetwork& network, std::uint16_t port,
                           std::function<void(PortRefusal)> refused) const {
  using Refused = std::function<void(PortRefusal)>;
  NimbusPortCalls calls{};
  calls.context = new Refused(std::move(refused));
  calls.refused = [](void* context, std::int32_t why) {
    (*static_cast<Refused*>(context))(why == NIMBUS_PORT_TOO_MANY ? PortRefusal::kTooMany
                                                                  : PortRefusal::kNobodyListened);
  };
  calls.release = [](void* context) { delete static_cast<Refused*>(context); };
  nimbus_port_lead_to(raw_, network.raw(), port, calls);
}

}  // namespace nimbus::engine
