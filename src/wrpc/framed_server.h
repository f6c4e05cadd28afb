#pragma once

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"
#include "net/shard.h"
#include "net/socket.h"
#include "wrpc/framed_limits.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

struct FramedServerOptions {
  FramedLimits limits{.max_root_bytes = 16 * 1024 * 1024, .channels = {}};
  std::size_t max_buffered_bytes = 256 * 1024 * 1024;   // parameters of all calls, with streams
  std::size_t max_calls = 4096;                         // beyond that new connections are closed
  std::size_t max_calls_per_peer = 1024;                // of one IP address
  Duration receive_timeout = std::chrono::seconds(10);  // for header and parameters
  Duration call_timeout = std::chrono::seconds(60);     // from there to the results; zero: none
  // A peer takes nothing of what is sent, or sends nothing of a stream that is waited for.
  Duration stall_timeout = std::chrono::minutes(5);
  Duration linger_timeout = std::chrono::seconds(2);  // for a peer that goes on sending at the end
  Duration resource_lease = std::chrono::minutes(10);
};

// Serves an Invoker in the framed dialect (docs/formats/wrpc-framed.md) on one listening socket of
// one shard: each connection is one call. A function that is not served, parameters that do not
// decode, a call that fails or takes too long, a peer that is too slow: the connection ends without
// results, which is all that the dialect knows, and the log says why. A peer that resets its
// connection cancels its call.
//
// All peers share one session, because nothing tells them apart; so its handles work over any
// connection to this server, and last as long as resource_lease says. A handle means nothing to the
// server of another shard: functions that give out resources are served on one shard.
class FramedServer {
 public:
  virtual ~FramedServer() = default;  // closes everything at once

  // Stops accepting, lets the calls that run end, and returns when none is left or `bound` has
  // passed; then the rest is closed.
  [[nodiscard]] virtual Task<void> drain(Duration bound) = 0;
  [[nodiscard]] virtual std::size_t callCount() const = 0;
};

// `log` outlives the server.
[[nodiscard]] std::unique_ptr<FramedServer> makeFramedServer(
    net::Shard& shard, std::unique_ptr<net::ListenSocket> socket, std::shared_ptr<Invoker> invoker,
    FramedServerOptions options, Logger& log);

}  // namespace nimbus::wrpc
