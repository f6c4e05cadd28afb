#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "net/resolver.h"
#include "wrpc/address.h"
#include "wrpc/call_failure.h"
#include "wrpc/framed_limits.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

struct FramedClientOptions {
  FramedLimits limits;
  // From the call to the root of its results, where the caller sets no deadline; zero: none.
  Duration call_timeout = std::chrono::seconds(10);
  // Calls, with their streams, that one session has under way; beyond that kResourceExhausted.
  std::size_t max_calls_per_session = 4096;
  // Of all calls to the target: parameters that have not been sent yet, results that nobody has
  // taken yet, with streams; beyond that kResourceExhausted.
  std::size_t max_held_bytes = 256 * 1024 * 1024;
  OnCallFailure on_failure = nullptr;
  OnCallAnswer on_answer = nullptr;
  // For addresses with a name: a resolver of that shard, which outlives its sessions.
  std::function<net::Resolver&(net::Shard&)> resolver;
};

// Calls a provider at a Unix socket or over TCP in the framed dialect
// (docs/formats/wrpc-framed.md), with one connection for each call. What a call reports beyond
// Session::invoke(): kUnavailable if nobody listens there, kProtocol if the peer broke off, with
// what it did. A provider that does not serve a function, or failed, can only break off, and one
// that ends a call without results looks as if it had none to give.
//
// Destroying a call resets its connection, which cancels it at the provider. Handles are leases of
// the provider: Session::drop() sends nothing. Results without streams close the connection at
// once.
//
// kInvalidArgument: neither TCP nor Unix, or a name without a resolver.
[[nodiscard]] Result<std::shared_ptr<Invoker>> makeFramedInvoker(ProviderAddress address,
                                                                 FramedClientOptions options = {});

}  // namespace nimbus::wrpc
