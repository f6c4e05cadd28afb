// Our own side of tests/interop/wit, with generated bindings.
//
//   wrpc_interop serve ADDRESS    prints "serving ADDRESS"; until a signal ends it
//   wrpc_interop check ADDRESS    calls everything there once
//   wrpc_interop large ADDRESS    calls with large values
//   wrpc_interop nested ADDRESS   calls with streams and futures within records
//   wrpc_interop hang ADDRESS     calls what is never answered; prints how that ended. Only over
//                                 NATS, where nobody tells that a peer is gone, has it a deadline

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/log.h"
#include "nats/connection.h"
#include "nested_peer.h"
#include "net/shard.h"
#include "nimbus_/interop/peer.h"
#include "sources.h"
#include "wrpc/client.h"
#include "wrpc/framed_client.h"
#include "wrpc/nats_client.h"
#include "wrpc/provider_main.h"
#include "wrpc/service.h"
#include "wrpc/stream_pipe.h"

namespace nimbus::interop {
namespace {

using wrpc::CallContext;
namespace peer = generated::nimbus_::interop::peer;

peer::Numbers knownNumbers() {
  return {.yes = true,
          .a = 200,
          .b = -1,
          .c = 300,
          .d = -129,
          .e = 624485,
          .f = -123456,
          .g = UINT64_MAX,
          .h = INT64_MIN,
          .i = 1.5F,
          .j = 1.5,
          .letter = U'a'};
}

peer::Mixture knownMixture() {
  peer::Mixture mixture;
  mixture.text = "Gr\u00fc\u00dfe";
  mixture.bytes = Bytes::copyOf(std::string_view("\0\1\xff", 3));
  mixture.words = {"foo", "", "bar"};
  mixture.something = 7;
  mixture.good = std::uint8_t{5};
  mixture.bad = std::unexpected(std::string("no"));
  mixture.colour = peer::Colour::kBlue;
  mixture.rights = peer::Rights{.read = true, .run = true};
  mixture.shapes.push_back({peer::Shape::None{}});
  mixture.shapes.push_back({peer::Shape::Circle{300}});
  mixture.shapes.push_back({peer::Shape::Named{"square"}});
  mixture.pair = {300, true};
  return mixture;
}

bool equal(const peer::Mixture& a, const peer::Mixture& b) {
  return a.text == b.text && a.bytes.text() == b.bytes.text() && a.words == b.words &&
         a.nothing == b.nothing && a.something == b.something && a.good == b.good &&
         a.bad == b.bad && a.colour == b.colour && a.rights == b.rights && a.shapes == b.shapes &&
         a.pair == b.pair;
}

class Thing final : public peer::Thing {
 public:
  explicit Thing(std::string_view name) : name_(name) {}
  wrpc::Answer<std::string> name(const CallContext&) override { return name_; }

 private:
  std::string name_;
};

class Peer final : public peer::Handler {
 public:
  wrpc::Answer<peer::Numbers> sameNumbers(const CallContext&, peer::Numbers value) override {
    if (value != knownNumbers()) return fail(ErrorCode::kInvalidArgument, "other numbers");
    return value;
  }
  wrpc::Answer<peer::Mixture> sameMixture(const CallContext&, peer::Mixture value) override {
    if (!equal(value, knownMixture())) return fail(ErrorCode::kInvalidArgument, "another mixture");
    return value;
  }
  wrpc::Answer<Bytes> sameBytes(const CallContext&, Bytes value) override { return value; }
  wrpc::Answer<void> nothing(const CallContext&) override { return Result<void>{}; }
  wrpc::Answer<std::uint32_t> breakOff(const CallContext&) override {
    return fail(ErrorCode::kInternal, "on purpose");
  }
  wrpc::Answer<std::uint32_t> hang(const CallContext&) override { return forEver(); }
  wrpc::Answer<wrpc::StreamReader<std::uint8_t>> upper(
      const CallContext&, wrpc::StreamReader<std::uint8_t> text) override {
    return wrpc::StreamReader<std::uint8_t>(std::make_unique<UpperSource>(std::move(text)));
  }
  wrpc::Answer<wrpc::StreamReader<std::uint32_t>> doubled(
      const CallContext&, wrpc::StreamReader<std::uint32_t> numbers) override {
    return wrpc::StreamReader<std::uint32_t>(std::make_unique<DoubledSource>(std::move(numbers)));
  }
  wrpc::Answer<wrpc::FutureReader<std::string>> later(
      const CallContext&, wrpc::FutureReader<std::string> value) override {
    return wrpc::FutureReader<std::string>(std::make_unique<LaterSource>(std::move(value)));
  }
  wrpc::Answer<wrpc::Own<peer::Thing>> newThing(const CallContext&,
                                                std::string_view name) override {
    return wrpc::Own<peer::Thing>(std::make_unique<Thing>(name));
  }

 private:
  static Task<Result<std::uint32_t>> forEver() {
    std::printf("hanging\n");
    std::fflush(stdout);
    Event never;
    co_await never.wait();
    co_return 0u;
  }
};

bool overNats(const wrpc::ProviderAddress& address) {
  return address.transport == wrpc::ProviderAddress::Transport::kNats;
}

Task<std::shared_ptr<nats::Connection>> connectTo(net::Shard& shard, std::string server) {
  static const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  auto connection =
      co_await nats::Connection::connect(shard, {.servers = {std::move(server)}}, *log);
  if (!connection) {
    std::fprintf(stderr, "%s\n", connection.error().describe().c_str());
    std::exit(1);
  }
  co_return std::move(*connection);
}

int failures = 0;

void expect(std::string_view what, bool holds, std::string_view why = "") {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(), std::string(why).c_str());
}

template <typename T>
std::string why(const Result<T>& result) {
  return result ? "another value" : result.error().describe();
}

// A session with the peer.
struct Connected {
  Connected(net::Shard& shard, std::shared_ptr<wrpc::Invoker> target)
      : invoker(std::move(target)),
        session(invoker->open(shard, consumer)),
        client(*peer::Client::connect(std::make_shared<wrpc::ClientSpace>(*invoker, *session))) {}

  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer = std::make_shared<wrpc::Consumer>();
  CallContext context{
      .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  std::unique_ptr<wrpc::Session> session;
  std::unique_ptr<peer::Client> client;
};

Task<std::shared_ptr<wrpc::Invoker>> invokerAt(net::Shard& shard, wrpc::ProviderAddress address,
                                               Duration timeout = std::chrono::seconds(10)) {
  if (!overNats(address)) {
    wrpc::FramedClientOptions options;
    options.call_timeout = timeout;
    co_return *wrpc::makeFramedInvoker(address, std::move(options));
  }
  co_return wrpc::makeNatsInvoker(co_await connectTo(shard, address.nats_servers),
                                  {.prefix = address.nats_prefix, .call_timeout = timeout});
}

Task<void> checkValues(Connected& to) {
  const auto numbers = co_await to.client->sameNumbers(to.context, knownNumbers());
  expect("same-numbers", numbers && *numbers == knownNumbers(), why(numbers));
  const auto mixture = co_await to.client->sameMixture(to.context, knownMixture());
  expect("same-mixture", mixture && equal(*mixture, knownMixture()), why(mixture));
  const auto nothing = co_await to.client->nothing(to.context);
  expect("nothing", nothing.has_value(), why(nothing));
  const auto failed = co_await to.client->breakOff(to.context);
  // Over NATS our server can say more than that it broke off.
  expect("break-off",
         !failed && (failed.error().code() == ErrorCode::kProtocol ||
                     failed.error().code() == ErrorCode::kTrap),
         why(failed));
}

Task<void> checkBytes(Connected& to, std::size_t size) {
  const Bytes bytes = Bytes::take(std::string(size, 'x'));
  const auto same = co_await to.client->sameBytes(to.context, bytes);
  expect("same-bytes", same && same->text() == bytes.text(), why(same));
}

Task<void> checkUpper(Connected& to, std::string text) {
  auto out =
      co_await to.client->upper(to.context, wrpc::StreamReader<std::uint8_t>(Bytes::copyOf(text)));
  if (!out) co_return expect("upper", false, why(out));
  std::string got;
  for (;;) {
    auto piece = co_await out->read();
    if (!piece) co_return expect("upper", false, why(piece));
    if (!*piece) break;
    got += (*piece)->text();
  }
  expect("upper", got == upperCase(text), "another text");
}

// Each number is sent once the one before came back.
Task<void> checkConversation(Connected& to) {
  auto [writer, numbers] = wrpc::makeStream<std::uint32_t>();
  auto out = co_await to.client->doubled(to.context, std::move(numbers));
  if (!out) co_return expect("conversation", false, why(out));
  for (const std::uint32_t number : {1u, 2u, 300u}) {
    const auto sent = co_await writer.write({number});
    expect("conversation", sent.has_value(), why(sent));
    const auto chunk = co_await out->read();
    expect("conversation", chunk && *chunk && **chunk == std::vector{2 * number}, why(chunk));
  }
  writer.close();
  const auto end = co_await out->read();
  expect("conversation", end && !*end, why(end));
}

Task<void> checkDoubled(Connected& to) {
  auto out = co_await to.client->doubled(
      to.context, wrpc::StreamReader<std::uint32_t>(std::vector<std::uint32_t>{1, 2, 300}));
  if (!out) co_return expect("doubled", false, why(out));
  const auto chunk = co_await out->read();
  expect("doubled", chunk && *chunk && **chunk == std::vector<std::uint32_t>{2, 4, 600},
         why(chunk));
  const auto end = co_await out->read();
  expect("doubled", end && !*end, why(end));
}

Task<void> checkLater(Connected& to) {
  auto later = co_await to.client->later(to.context, wrpc::FutureReader<std::string>("well"));
  if (!later) co_return expect("later", false, why(later));
  const auto value = co_await later->read();
  expect("later", value && *value == "well, at last", why(value));
}

Task<void> checkResource(Connected& to) {
  const auto thing = co_await to.client->newThing(to.context, "the thing");
  if (!thing) co_return expect("thing", false, why(thing));
  const auto name = co_await (*thing)->name(to.context);
  expect("thing.name", name && *name == "the thing", why(name));
}

Task<void> check(net::Shard& shard, wrpc::ProviderAddress address) {
  Connected to(shard, co_await invokerAt(shard, std::move(address)));
  co_await checkValues(to);
  co_await checkBytes(to, 10);
  co_await checkBytes(to, 1000);
  co_await checkUpper(to, "some words of text");
  co_await checkConversation(to);
  co_await checkDoubled(to);
  co_await checkLater(to);
  co_await checkResource(to);
}

Task<void> checkLarge(net::Shard& shard, wrpc::ProviderAddress address) {
  Connected to(shard, co_await invokerAt(shard, std::move(address)));
  co_await checkBytes(to, 10'000'000);
  co_await checkUpper(to, std::string(10'000'000, 'x'));
}

Task<void> checkWithin(net::Shard& shard, wrpc::ProviderAddress address) {
  Connected to(shard, co_await invokerAt(shard, std::move(address)));
  for (const std::string& failure : co_await checkNested(*to.invoker, *to.session, to.context))
    expect("nested", false, failure);
}

Task<void> hang(net::Shard& shard, wrpc::ProviderAddress address) {
  const bool deadline = overNats(address);
  Connected to(shard, co_await invokerAt(shard, std::move(address), std::chrono::minutes(10)));
  if (deadline) to.context.deadline = shard.now() + std::chrono::seconds(2);
  const auto answer = co_await to.client->hang(to.context);
  std::printf("%s\n", answer ? "an answer" : ("no answer: " + answer.error().describe()).c_str());
}

int run(int argc, char** argv) {
  const std::string mode = argc == 3 ? argv[1] : "";
  if (mode == "serve")
    return wrpc::provide(argc - 1, argv + 1,
                         {peer::serve(std::make_shared<Peer>()), serveNested()});
  const auto address = wrpc::ProviderAddress::parse(argc == 3 ? argv[2] : "");
  if (!address) {
    std::fprintf(stderr, "usage: wrpc_interop serve|check|large|nested|hang ADDRESS\n");
    return 2;
  }
  auto shards = net::ShardGroup::start(1);
  if (!shards) return 1;
  (*shards)->runTask(0, [&](net::Shard& shard) {
    if (mode == "hang") return hang(shard, *address);
    if (mode == "nested") return checkWithin(shard, *address);
    return mode == "large" ? checkLarge(shard, *address) : check(shard, *address);
  });
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nimbus::interop

int main(int argc, char** argv) { return nimbus::interop::run(argc, argv); }
