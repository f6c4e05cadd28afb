#include <cstdlib>
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

Task<Result<std::string>> readToEnd(Stream& stream) {
  std::string text;
  std::vector<std::uint8_t> buffer(64 * 1024);
  for (;;) {
    CO_TRY(const std::size_t count, co_await stream.read(buffer));
    if (count == 0) co_return text;
    text.append(asText(ByteView(buffer).first(count)));
  }
}

Task<Result<std::string>> readExactly(Stream& stream, std::size_t count) {
  std::string text(count, '\0');
  std::span<std::uint8_t> rest(reinterpret_cast<std::uint8_t*>(text.data()), count);
  while (!rest.empty()) {
    CO_TRY(const std::size_t got, co_await stream.read(rest));
    if (got == 0) co_return fail(ErrorCode::kIo, "the stream ended early");
    rest = rest.subspan(got);
  }
  co_return text;
}

}  // namespace nimbus::net
