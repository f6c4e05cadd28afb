// Whole calls of the framed dialect (docs/formats/wrpc-framed.md) whose bytes are known from other
// implementations: our client sends them, and our server takes them, through generated bindings.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "net/socket.h"
#include "net/test_support.h"
#include "wrpc/client.h"
#include "wrpc/frame.h"
#include "wrpc/framed_client.h"
#include "wrpc/framed_server.h"
#include "wrpc/service.h"
#include "wrpc_examples/streams/handler_.h"
#include "wrpc_test/integration/sync.h"

namespace nimbus::wrpc {
namespace {

namespace sync = ::wrpc_test::integration::sync;
namespace streams = ::wrpc_examples::streams::handler_;
using namespace std::string_literals;

const std::string kWithFlags =
    "\0\x1awrpc-test:integration/sync\x0awith-flags"s
    "\0\3\1\0\1"s;
const std::string kFlags = "\0\1\5"s;

const std::string kEchoHeader = "\0\x1dwrpc-examples:streams/handler\4echo"s;
const std::string kEchoFrames =
    "\0\2\0\0"s              // two pending streams
    "\2\0\0\5\3\1\2\xac\2"s  // three numbers
    "\2\0\1\3\2\x09\x08"s    // two bytes
    "\2\0\0\1\0"s
    "\2\0\1\1\0"s;  // their ends

// Frames of one path keep their order; those of different paths may be sent in any order, but for
// the root's, which the dialect has first.
std::multimap<IndexPath, std::string> byPath(std::string_view frames) {
  FrameParser parser;
  ByteView rest = asBytes(frames);
  std::multimap<IndexPath, std::string> parts;
  for (;;) {
    const auto part = parser.next(rest);
    EXPECT_TRUE(part) << part.error().describe();
    if (!part || !*part) break;
    EXPECT_TRUE((**part).last);
    const IndexPath path((**part).path.begin(), (**part).path.end());
    EXPECT_TRUE(!parts.empty() || path.empty()) << "the root comes first";
    parts.emplace(path, fmt::format("{:02x}", fmt::join((**part).data, " ")));
  }
  EXPECT_TRUE(parser.betweenFrames());
  EXPECT_FALSE(parts.empty());
  return parts;
}

class Flags final : public sync::Handler {
 public:
  Answer<sync::Abc> withFlags(const CallContext&, bool a, bool b, bool c) override {
    return sync::Abc{.a = a, .b = b, .c = c};
  }
};

class Echo final : public streams::Handler {
 public:
  using Both = std::tuple<StreamReader<std::uint64_t>, StreamReader<std::uint8_t>>;
  Answer<Both> echo(const CallContext&, streams::Request request) override {
    return Both(std::move(request.numbers), std::move(request.bytes));
  }
};

class GoldenCalls : public net::ShardTest {
 protected:
  // What our server answers to a peer that sends these bytes and finishes.
  std::string answerTo(const std::string& bytes) {
    std::string answer;
    run([&](net::Shard& shard) -> Task<void> {
      auto sockets = *net::listenOn(where_, 1);
      const auto server = makeFramedServer(
          shard, std::move(sockets[0]),
          std::make_shared<ServiceInvoker>(std::vector<Interface>{
              sync::serve(std::make_shared<Flags>()), streams::serve(std::make_shared<Echo>())}),
          {}, *log_);
      const auto stream = *co_await net::connectTo(shard, where_);
      EXPECT_TRUE(co_await stream->writeAll(asBytes(bytes)));
      EXPECT_TRUE(co_await stream->shutdownWrite());
      const auto all = co_await net::readToEnd(*stream);
      EXPECT_TRUE(all) << all.error().describe();
      answer = all.value_or("");
    });
    return answer;
  }

  // What our client, which `call` uses, sends to a peer that answers with these bytes once the
  // client has finished.
  template <typename Client>
  std::string sentFor(const std::string& answer, auto call) {
    std::string sent;
    run([&](net::Shard& shard) -> Task<void> {
      TaskSet connections;
      const auto serve = [&](std::unique_ptr<net::Stream> stream) -> Task<void> {
        sent = (co_await net::readToEnd(*stream)).value_or("(reset)");
        EXPECT_TRUE(co_await stream->writeAll(asBytes(answer)));
        EXPECT_TRUE(co_await stream->shutdownWrite());
      };
      const auto acceptor = net::makeAcceptor(shard, std::move((*net::listenOn(where_, 1))[0]),
                                              [&](std::unique_ptr<net::Stream> stream) {
                                                connections.spawn(serve(std::move(stream)));
                                              });
      const auto invoker = *makeFramedInvoker(*ProviderAddress::parse(where_.toString()));
      const auto consumer = std::make_shared<Consumer>();
      const auto session = invoker->open(shard, consumer);
      const CallContext context{
          .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
      const auto client = Client::connect(*invoker, *session);
      EXPECT_TRUE(client) << client.error().describe();
      co_await call(**client, context);
    });
    return sent;
  }

  const std::unique_ptr<Logger> log_ = makeNullLogger();
  TemporaryFolder folder_;
  const net::Endpoint where_{.address = {}, .port = 0, .unix_path = folder_.path("s")};
};

TEST_F(GoldenCalls, OurServerAnswersWithFlags) { EXPECT_EQ(answerTo(kWithFlags), kFlags); }

TEST_F(GoldenCalls, OurClientAsksWithThreeBools) {
  const auto call = [](sync::Client& client, const CallContext& context) -> Task<void> {
    const auto flags = co_await client.withFlags(context, true, false, true);
    EXPECT_TRUE(flags) << flags.error().describe();
    EXPECT_EQ(flags.value_or(sync::Abc{}), (sync::Abc{.a = true, .b = false, .c = true}));
  };
  EXPECT_EQ(sentFor<sync::Client>(kFlags, call), kWithFlags);
}

TEST_F(GoldenCalls, OurServerAnswersWithStreams) {
  EXPECT_EQ(byPath(answerTo(kEchoHeader + kEchoFrames)), byPath(kEchoFrames));
}

TEST_F(GoldenCalls, OurClientAsksWithStreams) {
  const auto call = [](streams::Client& client, const CallContext& context) -> Task<void> {
    streams::Request request;
    request.numbers = StreamReader<std::uint64_t>(std::vector<std::uint64_t>{1, 2, 300});
    request.bytes = StreamReader<std::uint8_t>(Bytes::copyOf("\x09\x08"));
    auto both = co_await client.echo(context, std::move(request));
    EXPECT_TRUE(both) << both.error().describe();
    if (!both) co_return;
    auto& [numbers, bytes] = *both;
    EXPECT_EQ(**co_await numbers.read(), (std::vector<std::uint64_t>{1, 2, 300}));
    EXPECT_EQ((**co_await bytes.read()).text(), "\x09\x08");
    EXPECT_EQ(*co_await numbers.read(), std::nullopt);
    EXPECT_EQ(*co_await bytes.read(), std::nullopt);
  };
  const std::string sent = sentFor<streams::Client>(kEchoFrames, call);
  EXPECT_EQ(sent.substr(0, kEchoHeader.size()), kEchoHeader);
  EXPECT_EQ(byPath(std::string_view(sent).substr(kEchoHeader.size())), byPath(kEchoFrames));
}

}  // namespace
}  // namespace nimbus::wrpc
