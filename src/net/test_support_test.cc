#include <fstream>

#include "base/check.h"
#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::net {

Task<StreamPair> connectedPair(Shard& shard, Endpoint where) {
  auto sockets = listenOn(where, 1);
  NIMBUS_CHECK(sockets.has_value());
  const Endpoint bound = sockets->front()->boundTo();
  OneShot<std::unique_ptr<Stream>> accepted;
  auto acceptor = makeAcceptor(
      shard, std::move(sockets->front()),
      [&accepted](std::unique_ptr<Stream> stream) { accepted.set(std::move(stream)); });
  auto client = co_await connectTo(shard, bound);
  NIMBUS_CHECK(client.has_value());
  auto server = co_await accepted.wait();
  co_return StreamPair{std::move(*client), std::move(server)};
}

Task<StreamPair> connectedPair(Shard& shard) {
  return connectedPair(shard, *Endpoint::parse("127.0.0.1:0"));
}

}  // namespace nimbus::net
