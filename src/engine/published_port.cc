#include "engine/published_port.h"

#include <atomic>
#include <functional>
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

namespace {

// Who is told, on a thread of the engine's.
class Refused {
 public:
  explicit Refused(std::function<void(PortRefusal)> told) : told_(std::move(told)) {
    ordered_.store(true, std::memory_order_release);
  }
  ~Refused() { (void)ordered_.load(std::memory_order_acquire); }
  Refused(const Refused&) = delete;
  Refused& operator=(const Refused&) = delete;

  void tell(PortRefusal why) {
    (void)ordered_.load(std::memory_order_acquire);
    told_(why);
    ordered_.exchange(true, std::memory_order_release);
  }

 private:
  std::function<void(PortRefusal)> told_;
  // Rust orders what threads do here by atomics that TSan does not see: once more for it.
  std::atomic<bool> ordered_{false};
};

}  // namespace

void PublishedPort::leadTo(const PrivateNetwork& network, std::uint16_t port,
                           std::function<void(PortRefusal)> refused) const {
  NimbusPortCalls calls{};
  calls.context = new Refused(std::move(refused));
  calls.refused = [](void* context, std::int32_t why) {
    static_cast<Refused*>(context)->tell(
        why == NIMBUS_PORT_TOO_MANY ? PortRefusal::kTooMany : PortRefusal::kNobodyListened);
  };
  calls.release = [](void* context) { delete static_cast<Refused*>(context); };
  nimbus_port_lead_to(raw_, network.raw(), port, calls);
}

}  // namespace nimbus::engine
