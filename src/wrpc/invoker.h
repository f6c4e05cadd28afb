#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "base/clock.h"
#include "base/eventual.h"
#include "base/ids.h"
#include "base/result.h"
#include "net/shard.h"

namespace nimbus::wrpc {

class Encoder;

// The one calling convention. Whatever can be called (a capability in this process, a component, a
// plugin, a provider in another process or on another machine) is an Invoker; who wants to call it
// opens a Session. Values cross in the wRPC encoding (docs/formats/wrpc-values.md), whoever is at
// the other end.
//
//   auto session = invoker->open(shard, consumer);
//   TRY(const FunctionId get, invoker->resolve({"wasi:keyvalue/store@0.2.0-draft", "open"}));
//   CO_TRY(Values results, co_await session->invoke(context, get, std::move(params)));

// Where a value that comes later stands in the parameters or results: the position in the tuple,
// then downwards the positions of fields and elements (docs/formats/wrpc-values.md, "Paths").
using IndexPath = std::vector<std::uint32_t>;

// The bytes of one sub-channel: a pending stream or future, as the wire has it (a stream is a
// sequence of non-empty lists and one empty list, a future its value once). Boundaries between
// pieces carry no meaning, but whoever writes puts whole values into one piece where it can. Pulled
// by its reader, which is the back-pressure; destroying it tells the writer that nobody reads.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // The next piece, never empty; nullopt once the writer has ended. An end before the value's own
  // end is a truncation, which the decoder reports. Not to be called again before it completed.
  [[nodiscard]] virtual Eventual<Result<std::optional<ByteChain>>> read() = 0;
};

struct Channel {
  IndexPath path;
  std::unique_ptr<ByteSource> source;
};

// Sub-channels that come into being as the peer writes to them.
class ChannelSource {
 public:
  ChannelSource() = default;
  ChannelSource(const ChannelSource&) = delete;
  ChannelSource& operator=(const ChannelSource&) = delete;
  virtual ~ChannelSource() = default;

  // The channel at that path, whether or not anything has arrived there; null if it was taken
  // before, or if the path cannot exist.
  [[nodiscard]] virtual std::unique_ptr<ByteSource> take(const IndexPath& path) = 0;
  // The next channel that something has arrived for and nobody took; nullopt once the direction
  // has ended. For relays, which know no types.
  [[nodiscard]] virtual Eventual<Result<std::optional<Channel>>> next() = 0;
};

// The parameters or the results of a call: the encoding of the tuple, and the pending streams and
// futures in it. Who made them lists `channels`; who got them from a wire has `arriving` instead.
struct Values {
  ByteChain bytes;
  std::vector<Channel> channels;
  std::unique_ptr<ChannelSource> arriving;

  // The channel at that path, once; null if there is none.
  [[nodiscard]] std::unique_ptr<ByteSource> take(const IndexPath& path);
};

// Where the encoding of one tuple ends, as only who knows its types can tell: on a wire the root of
// a direction has no length, and a call with pending streams must start before the peer has
// finished sending. Immutable, any thread.
class TupleShape {
 public:
  TupleShape() = default;
  TupleShape(const TupleShape&) = delete;
  TupleShape& operator=(const TupleShape&) = delete;
  virtual ~TupleShape() = default;

  // How many of the bytes, which are as much as has arrived, the tuple takes; nullopt: it goes on
  // behind them. kProtocol: no such tuple begins like that. Asked again, from the start, as more
  // arrives.
  [[nodiscard]] virtual Result<std::optional<std::size_t>> measure(
      const ByteChain& bytes) const = 0;

  // Whether the types allow for sub-channels.
  [[nodiscard]] virtual bool mayHaveChannels() const { return true; }
};

// instance: "wasi:keyvalue/store@0.2.0-draft"; empty for functions of a world. function: the name
// on the wire: "get" for a function and for [method]bucket.get "bucket.get", the resource's name
// for its constructor.
struct FunctionName {
  std::string_view instance;
  std::string_view function;

  // For messages: "wasi:keyvalue/store@0.2.0-draft/get", or the function alone.
  [[nodiscard]] std::string text() const {
    if (instance.empty()) return std::string(function);
    return std::string(instance).append("/").append(function);
  }
};

// What an Invoker resolved a name to; has a meaning for that Invoker only.
using FunctionId = StrongId<struct FunctionIdTag>;

// Who calls, as policy, logs and multiplexing providers want to know it. Immutable; shared by all
// calls of one binding.
struct Consumer {
  std::string workload;   // empty: not a workload
  std::string component;  // name within the workload
  std::string binding;    // id of the binding; empty: none
  std::string link_name;  // by which the consumer told several providers apart; "" is the default
  // What the consumer's binding says, for providers that are configured per consumer.
  std::vector<std::pair<std::string, std::string>> config;
  // Set for a consumer at the other end of a wire, which cannot say that it dropped a handle: its
  // session drops a resource that no call has named for so long.
  std::optional<Duration> lease;
};

struct CallContext {
  const Consumer& consumer;
  std::optional<TimePoint> deadline;
  // W3C trace context; empty: none.
  std::string_view trace_parent;
  // The results that the caller expects; lives as long as the call. Null: a wire takes the root of
  // the results as complete when a sub-channel begins or the peer has finished sending.
  const TupleShape* results = nullptr;
};

// What one consumer has open with an Invoker, on one shard: the calls in flight and the resources
// (handles that calls returned). Destroying it cancels its calls and drops its resources.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // Calls a function. The context and the memory of `params` must live until the call has completed
  // or was destroyed (which cancels it); its channels are the callee's from the start. Channels of
  // the results live as long as the session. Errors: kNotFound (nobody serves it), kUnavailable,
  // kDeadlineExceeded, kProtocol (parameters that do not decode, a peer that breaks off),
  // kTrap, kResourceExhausted.
  [[nodiscard]] virtual Eventual<Result<Values>> invoke(const CallContext& context,
                                                        FunctionId function, Values params) = 0;

  // The same for callers that want results which are there at once encoded in memory of their own,
  // as calls of guests do: `params` have no channels and live as long as the call, `results` is
  // empty. Returns the rest of a call that has to wait, as invoke() does; else the call has ended,
  // with what is in `results`, or with its failure.
  [[nodiscard]] virtual std::optional<Task<Result<Values>>> invokeInto(const CallContext& context,
                                                                       FunctionId function,
                                                                       ByteView params,
                                                                       Encoder& results);

  // The consumer dropped an owned handle, given as its bytes without the length. Unknown handles
  // are ignored. A wire has no message for this: there, handles expire.
  virtual void drop(ByteView handle) = 0;

  // Whether the handle is one that this session gave out and that still lives. A session whose
  // handles are a peer's cannot tell.
  [[nodiscard]] virtual bool owns(ByteView /*handle*/) const { return false; }
  // Whether anything of it still lives: calls in flight, channels of results, resources. One that
  // cannot tell is in use until its end.
  [[nodiscard]] virtual bool inUse() const { return true; }
  // Drops its resources, so that another instance of the same consumer begins as with a session of
  // its own. False: calls are under way, or leave behind more than resources; then only its end
  // helps.
  [[nodiscard]] virtual bool renew() { return false; }
};

// Something that can be called. Shared by all shards; every function may be called on any thread
// that is a shard's. Lives until its last session is gone.
class Invoker {
 public:
  Invoker() = default;
  Invoker(const Invoker&) = delete;
  Invoker& operator=(const Invoker&) = delete;
  virtual ~Invoker() = default;

  // Looks a function up, once per import rather than once per call. kNotFound if it is known that
  // nobody serves it; a remote Invoker finds out only by the call.
  [[nodiscard]] virtual Result<FunctionId> resolve(const FunctionName& name) = 0;

  // The parameters of a function, for servers. Null if it does not know the types: a wire then
  // takes the root as complete as CallContext::results says.
  [[nodiscard]] virtual std::shared_ptr<const TupleShape> parameters(FunctionId) const {
    return nullptr;
  }

  // `consumer` lives as long as the session.
  [[nodiscard]] virtual std::unique_ptr<Session> open(net::Shard& shard,
                                                      std::shared_ptr<const Consumer> consumer) = 0;
};

}  // namespace nimbus::wrpc
