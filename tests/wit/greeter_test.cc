// The provider of examples/providers/greeter-cpp, in this process and over a Unix socket: the same
// calls, the same results.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "bindings_fixture.h"
#include "greeter.h"
#include "net/socket.h"
#include "wrpc/address.h"
#include "wrpc/framed_client.h"
#include "wrpc/framed_server.h"
#include "wrpc/stream_pipe.h"

namespace nimbus {
namespace {

namespace api = ::example::greeter::greeter;

Task<std::vector<std::string>> lines(wrpc::StreamReader<std::string> stream) {
  std::vector<std::string> all;
  while (true) {
    auto chunk = co_await stream.read();
    if (!chunk) {
      ADD_FAILURE() << chunk.error().describe();
      co_return all;
    }
    if (!*chunk) co_return all;
    for (std::string& line : **chunk) all.push_back(std::move(line));
  }
}

Task<void> callEverything(wrpc::Invoker& invoker, net::Shard& shard) {
  const auto consumer = std::make_shared<const wrpc::Consumer>();
  const auto session = invoker.open(shard, consumer);
  const wrpc::CallContext context{
      .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  auto connected = api::Client::connect(invoker, *session);
  EXPECT_TRUE(connected) << connected.error().describe();
  const std::unique_ptr<api::Client> greeter = std::move(*connected);

  const api::Person ada{"Ada", {api::Language::English{}}};
  const api::Person max{"Max", {api::Language::German{}}};
  EXPECT_EQ((co_await greeter->greet(context, ada)).value(), "Hello Ada");
  EXPECT_EQ((co_await greeter->greet(context, max)).value(), "Hallo Max");
  EXPECT_EQ((co_await greeter->greet(context, {})).value().error(),
            (api::Problem{api::Problem::EmptyName{}}));
  EXPECT_EQ((co_await greeter->greet(context, {"Eve", {api::Language::Other{"Klingon"}}}))
                .value()
                .error(),
            (api::Problem{api::Problem::UnknownLanguage{"Klingon"}}));

  auto book = (co_await greeter->newGuestBook(context, "Guests")).value();
  EXPECT_EQ((co_await book->sign(context, ada)).value(), 1U);
  EXPECT_EQ((co_await book->sign(context, max)).value(), 2U);
  EXPECT_EQ(co_await lines((co_await book->read(context)).value()),
            (std::vector<std::string>{"Guests", "Ada", "Max"}));

  // A greeting comes back before the next name goes out.
  auto [writer, names] = wrpc::makeStream<std::string>();
  auto greetings = (co_await greeter->greetAll(context, std::move(names))).value();
  for (const std::string name : {"one", "two"}) {
    EXPECT_TRUE((co_await writer.write({name})).has_value());
    EXPECT_EQ((co_await greetings.read()).value(), (std::vector<std::string>{"Hello " + name}));
  }
  writer.close();
  EXPECT_EQ((co_await greetings.read()).value(), std::nullopt);
}

std::shared_ptr<wrpc::Invoker> provider() {
  return std::make_shared<wrpc::ServiceInvoker>(std::vector{api::serve(example::makeGreeter())});
}

class GreeterExample : public net::ShardTest {};

TEST_F(GreeterExample, ServesInThisProcess) {
  run([](net::Shard& shard) -> Task<void> {
    const auto invoker = provider();
    co_await callEverything(*invoker, shard);
  });
}

TEST_F(GreeterExample, ServesOverAUnixSocket) {
  const TemporaryFolder folder;
  const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  run([&](net::Shard& shard) -> Task<void> {
    const auto address = wrpc::ProviderAddress::parse("unix:" + folder.path("greeter.sock"));
    auto sockets = net::listenOn(address->endpoint().value(), 1).value();
    const auto server = wrpc::makeFramedServer(shard, std::move(sockets[0]), provider(), {}, *log);
    const auto invoker = wrpc::makeFramedInvoker(*address).value();
    co_await callEverything(*invoker, shard);
  });
}

}  // namespace
}  // namespace nimbus
