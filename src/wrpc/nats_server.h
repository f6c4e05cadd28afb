#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"
#include "nats/connection.h"
#include "net/shard.h"
#include "wrpc/channel_table.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

struct NatsServerOptions {
  // Of the subjects that are served, "default.kv"; empty: none.
  std::string prefix;
  // Of all servers with one name, one gets each call, so that functions that give out resources
  // have one server: the others refuse its handles. Empty: every server gets every call, which is
  // for one server only.
  std::string queue_group;
  // Instance and function, as they stand on the wire.
  std::vector<std::pair<std::string, std::string>> functions;

  std::size_t max_calls = 4096;
  std::size_t max_root_bytes = 16 * 1024 * 1024;        // parameters without their streams
  std::size_t max_buffered_bytes = 256 * 1024 * 1024;   // parameters of all calls, with streams
  std::size_t max_consumers = 1024;                     // that have sessions of their own
  Duration receive_timeout = std::chrono::seconds(10);  // for the parameters
  Duration call_timeout = std::chrono::seconds(60);     // from there to the results
  // Nothing comes for the parameters' streams, or is taken of the results'.
  Duration stall_timeout = std::chrono::minutes(5);
  Duration resource_lease = std::chrono::minutes(10);
  ChannelLimits channels = {.max_undelivered_bytes = 16 * 1024 * 1024};
};

// Serves functions of an Invoker in the NATS dialect (docs/formats/wrpc-nats.md) on one shard; more
// than one server needs a queue group. A call starts as soon as its parameters decode. A call that
// fails, or takes too long, ends without results, with a status that our clients understand, and
// the log says why. Nobody tells a server that a call was given up: its time limits end it.
//
// Consumers that say who they are (nats_identity.h) have sessions of their own; the others share
// one. Handles last as long as resource_lease says, and mean nothing to another server.
class NatsServer {
 public:
  virtual ~NatsServer() = default;  // ends everything at once

  // Takes no more calls, lets those that run end, and returns when none is left or `bound` has
  // passed; then the rest is ended.
  [[nodiscard]] virtual Task<void> drain(Duration bound) = 0;
  [[nodiscard]] virtual std::size_t callCount() const = 0;
};

// Completes when the NATS server knows the subscriptions. kNotFound: the Invoker does not have one
// of the functions. `log` outlives the server.
[[nodiscard]] Task<Result<std::unique_ptr<NatsServer>>> makeNatsServer(
    net::Shard& shard, std::shared_ptr<nats::Connection> connection,
    std::shared_ptr<Invoker> invoker, NatsServerOptions options, Logger& log);

}  // namespace nimbus::wrpc
