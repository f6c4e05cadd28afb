#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/address.h"
#include "net/shard.h"
#include "rust/engine.h"

namespace nimbus::engine {

class ImportSet;
class OutgoingRequest;
class SpareImportCalls;

enum class SocketUse {
  kTcpBind,
  kTcpConnect,
  kTcpListen,
  kTcpAccept,
  kUdpBind,
  kUdpSend,
  kUdpReceive,
  // Connecting to loopback in a private network where nobody listens: is the machine's meant? If
  // not, the guest is refused as if there were no such machine, which is no offence.
  kHostLoopback
};

// What a socket counts as: open from when it is made, outgoing as well from when it connects to
// somewhere else than the private network, or from the start if it is one of UDP.
enum class SocketCount : std::int32_t { kOpen = 0, kOutgoing = 1 };

// Whether there may be one more socket.
enum class SocketGrant : std::int32_t { kNoCapacity = 0, kGranted = 1, kNotPermitted = 2 };

// What instances ask of the host.
class GuestHost {
 public:
  virtual ~GuestHost() = default;

  // A line that a guest printed on stream 1 or 2, without its end. Any thread.
  virtual void print(int stream, std::string_view line) = 0;
  // Any thread; must not block.
  [[nodiscard]] virtual bool socketAllowed(SocketUse use, const net::IpAddress& address,
                                           std::uint16_t port) = 0;
  [[nodiscard]] virtual bool lookupAllowed(std::string_view name) = 0;
  // There is about to be one more socket that counts so. If it is granted, socketClosed() follows,
  // which may be the last call. Any thread; must not block.
  [[nodiscard]] virtual SocketGrant socketOpened(SocketCount count) = 0;
  virtual void socketClosed(SocketCount count) = 0;
  // The same for a file or folder that a guest opens. Where nobody counts them there may be any
  // number. Any thread; must not block.
  [[nodiscard]] virtual bool fileOpened() { return true; }
  virtual void fileClosed() {}
  // An outgoing HTTP request begins. On the context's shard, outside any poll.
  virtual void startEgress(std::shared_ptr<OutgoingRequest> request) = 0;
};

// The loopback of one workload: its TCP sockets reach each other there and nothing else, wherever
// their instances run. Any thread; contexts keep it.
class PrivateNetwork {
 public:
  // `max_inbound`: connections from published ports at once; further ones are reset.
  explicit PrivateNetwork(std::uint32_t max_inbound = 0);
  ~PrivateNetwork();
  PrivateNetwork(const PrivateNetwork&) = delete;
  PrivateNetwork& operator=(const PrivateNetwork&) = delete;

  [[nodiscard]] const NimbusNetwork* raw() const { return raw_; }

 private:
  NimbusNetwork* raw_;
};

struct GuestVolume {
  std::string host_path;
  std::string guest_path;
  bool read_only = false;
};

enum class GuestStdio { kNone, kInherit, kLines };

struct GuestContextOptions {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> arguments;
  std::vector<GuestVolume> volumes;
  std::uint64_t max_memory_bytes = 0;    // of one instance
  std::uint64_t max_table_elements = 0;  // of one instance
  // Resources of the host that one instance holds at once: streams, fields, files, pollables, …
  std::uint32_t max_handles = 16'384;
  GuestStdio stdio = GuestStdio::kLines;
  // Who provides what the component imports beyond WASI; null: it imports nothing such.
  std::shared_ptr<const ImportSet> imports;
  // Look-ups of names at once: each has a thread, of which files of guests need some, too.
  std::uint8_t max_lookups = 4;
  Duration lookup_timeout = std::chrono::seconds(5);  // of each, with its wait for a thread
  // Null: loopback is the machine's.
  std::shared_ptr<const PrivateNetwork> network;
};

// What the instances of one component of one workload see on one shard. Immutable; instances keep
// it alive as long as they need it. Made and destroyed on that shard.
class GuestContext {
 public:
  [[nodiscard]] static Result<std::unique_ptr<GuestContext>> create(
      net::Shard& shard, const GuestContextOptions& options, std::shared_ptr<GuestHost> host);
  // What instances of composed components see: each component its own part. The parts stay usable
  // and may go first; limits are those of the first.
  [[nodiscard]] static Result<std::unique_ptr<GuestContext>> join(
      std::span<const std::unique_ptr<GuestContext>> parts);
  ~GuestContext();
  GuestContext(const GuestContext&) = delete;
  GuestContext& operator=(const GuestContext&) = delete;

  [[nodiscard]] const NimbusContext* raw() const { return raw_; }

 private:
  GuestContext(NimbusContext* raw, std::vector<std::shared_ptr<SpareImportCalls>> spares)
      : raw_(raw), spares_(std::move(spares)) {}
  NimbusContext* raw_;
  // Of each component in it. Instances that outlive this leave nothing to others.
  std::vector<std::shared_ptr<SpareImportCalls>> spares_;
};

}  // namespace nimbus::engine
