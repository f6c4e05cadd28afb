#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "engine/guest_context.h"
#include "net/address.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Why a connection was reset.
enum class PortRefusal {
  kNobodyListened,
  kTooMany  // for the network that the port leads into
};

inline constexpr Duration kPortPatience = std::chrono::seconds(10);

// A TCP port of the machine that leads to a port of a private network: what connects is carried
// over to whoever listens there, and waits for somebody who does. It listens as long as this
// exists; connections that have been carried over go on without it. Any thread.
class PublishedPort {
 public:
  // `patience`: how long connections wait. kUnavailable: it cannot be had; the message says why.
  [[nodiscard]] static Result<std::unique_ptr<PublishedPort>> listen(
      const net::Endpoint& where, Duration patience = kPortPatience);
  ~PublishedPort();
  PublishedPort(const PublishedPort&) = delete;
  PublishedPort& operator=(const PublishedPort&) = delete;

  // From now on; until the first time, connections wait. `refused` is told of those that are reset,
  // on any thread, and not any more once this leads elsewhere or is gone.
  void leadTo(const PrivateNetwork& network, std::uint16_t port,
              std::function<void(PortRefusal)> refused) const;

 private:
  explicit PublishedPort(NimbusPort* raw) : raw_(raw) {}
  NimbusPort* raw_;
};

}  // namespace nimbus::engine
