#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/access_log.h"
#include "http/handler.h"
#include "http/shared_connections.h"
#include "net/shard.h"
#include "net/socket.h"
#include "net/tls.h"

namespace nimbus::http {

// Limits of one listener.
struct ServerLimits {
  std::size_t max_connections = 16 * 1024;  // of the whole host; beyond it see WhenFull
  std::size_t max_request_line_bytes = 16 * 1024;
  std::size_t max_header_bytes = 64 * 1024;  // all fields of a head together
  std::size_t max_header_count = 256;
  std::uint64_t max_body_bytes = 0;               // 0: no limit; 413 beyond
  std::size_t body_read_ahead_bytes = 64 * 1024;  // per request, held in memory at most
  std::size_t unsent_bytes_high_water = 64 * 1024;
  std::size_t max_concurrent_streams = 128;                // HTTP/2, per connection
  std::size_t max_requests_per_connection = 0;             // 0: no limit
  Duration header_timeout = std::chrono::seconds(10);      // whole head, from its first byte
  Duration idle_timeout = std::chrono::seconds(75);        // between requests
  Duration body_idle_timeout = std::chrono::seconds(30);   // no byte of the body while wanted
  Duration write_idle_timeout = std::chrono::seconds(30);  // the peer takes nothing, or too little
  std::uint32_t min_body_bytes_per_second = 100;  // averaged after the first 10 s while wanted
  // Averaged over write_idle_timeout, while something waits to be taken: of each response over
  // HTTP/2, of the connection over HTTP/1. 0: any byte will do.
  std::uint32_t min_response_bytes_per_second = 100;
  Duration tls_handshake_timeout = std::chrono::seconds(10);
  std::uint64_t max_drain_bytes = 256 * 1024;      // unread body swallowed to keep a connection
  std::size_t max_reset_streams_per_second = 100;  // HTTP/2 rapid reset: GOAWAY beyond
};

// The HTTP/1.1 and HTTP/2 server of one shard on one listening socket. TLS connections choose by
// ALPN; plain ones speak HTTP/2 if they begin with its preface (prior knowledge), HTTP/1
// otherwise.
class Server {
 public:
  virtual ~Server() = default;  // closes everything at once

  // Stops accepting, closes idle connections, lets running exchanges finish (`connection: close`,
  // GOAWAY), and returns when none is left or `bound` has passed; then the rest is closed.
  [[nodiscard]] virtual Task<void> drain(Duration bound) = 0;

  [[nodiscard]] virtual std::size_t connectionCount() const = 0;
};

// What becomes of a connection too many.
enum class WhenFull {
  kRefuse,  // it is closed at once
  // It takes the place of the one that has had no request under way for the longest, whether it has
  // ever had one or not. If there is none on this shard it is closed, and the other shards make
  // room for the next.
  kEndLongestIdle,
};

struct ServerOptions {
  ServerLimits limits;
  std::shared_ptr<net::TlsServerContext> tls;  // null: plain text
  AccessLog* access_log = nullptr;             // null: none
  // With the servers of this listener on other shards; null: there are none.
  std::shared_ptr<ListenerConnections> connections;
  WhenFull when_full = WhenFull::kRefuse;
};

// `handler`, `log`, `metrics` and `access_log` outlive the server.
[[nodiscard]] std::unique_ptr<Server> makeServer(net::Shard& shard,
                                                 std::unique_ptr<net::ListenSocket> socket,
                                                 Handler& handler, ServerOptions options,
                                                 Logger& log, MetricRegistry& metrics);

}  // namespace nimbus::http
