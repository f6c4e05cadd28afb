#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "nats/connection.h"
#include "wrpc/call_failure.h"
#include "wrpc/channel_table.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

struct NatsClientOptions {
  // Of the provider's subjects, "default.kv"; empty: none.
  std::string prefix;
  // From the call to the root of its results, where the caller sets no deadline.
  Duration call_timeout = std::chrono::seconds(10);
  // Nothing comes for the streams of a call's results.
  Duration stall_timeout = std::chrono::minutes(5);
  // Calls of one shard that are under way, with their streams; beyond that kResourceExhausted.
  std::size_t max_calls_per_shard = 4096;
  // Of all calls: parameters that have not been sent yet, results that nobody has taken yet, with
  // streams; beyond that kResourceExhausted.
  std::size_t max_held_bytes = 256 * 1024 * 1024;
  OnCallFailure on_failure = nullptr;
  OnCallAnswer on_answer = nullptr;
  std::size_t max_root_bytes = 64 * 1024 * 1024;  // results without their streams
  // Core NATS cannot hold a sender back: streams that are read too slowly end the call.
  ChannelLimits channels = {.max_undelivered_bytes = 16 * 1024 * 1024};
};

// Calls a provider in the NATS dialect (docs/formats/wrpc-nats.md). What a call reports beyond
// Session::invoke(): kNotFound if nobody listens to the function's subject. Nobody tells the
// provider of a call that was given up.
//
// A session that opens on a shard shares that shard's subscriptions with the others. The connection
// is closed after the last session.
[[nodiscard]] std::shared_ptr<Invoker> makeNatsInvoker(std::shared_ptr<nats::Connection> connection,
                                                       NatsClientOptions options = {});

}  // namespace nimbus::wrpc
