// Two providers of one prefix over NATS: they share the calls, and one goes on alone when the other
// is gone. A handle means something to the one that gave it out only.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "corpus/resources/graph.h"
#include "echo_handlers.h"
#include "nats/connection.h"
#include "nats/test_server.h"
#include "net/test_support.h"
#include "wrpc/client.h"
#include "wrpc/framed_test_support.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_server.h"
#include "wrpc/service.h"

namespace nimbus::wrpc {
namespace {

namespace graph = ::corpus::resources::graph;

constexpr Duration kPatience = std::chrono::seconds(60);

class NamedNode final : public graph::Node {
 public:
  explicit NamedNode(std::string_view name) : name_(name) {}
  Answer<std::string> name(const CallContext&) override { return name_; }
  Answer<Own<graph::Edge>> connect_(const CallContext&, Own<graph::Node>, std::uint32_t) override {
    return fail(ErrorCode::kUnsupported, "no edges");
  }
  Answer<std::vector<Own<graph::Edge>>> edges(const CallContext&) override {
    return std::vector<Own<graph::Edge>>();
  }
  Answer<bool> same(const CallContext&, graph::Node& other) override { return this == &other; }

 private:
  std::string name_;
};

class Nodes final : public graph::Handler {
 public:
  Answer<Own<graph::Node>> newNode(const CallContext&, std::string_view name) override {
    return Own<graph::Node>(std::make_unique<NamedNode>(name));
  }
  Answer<Own<graph::Node>> nodeRoot(const CallContext&) override {
    return fail(ErrorCode::kUnsupported, "no root");
  }
  Answer<std::expected<graph::Found, std::string>> search(const CallContext&,
                                                          graph::Question) override {
    return fail(ErrorCode::kUnsupported, "no search");
  }
  Answer<graph::Place> locate(const CallContext&, Own<graph::Node>) override {
    return graph::Place{};
  }
  Answer<std::optional<graph::Found>> merge(const CallContext&,
                                            std::vector<graph::Place>) override {
    return std::optional<graph::Found>();
  }
  Answer<std::expected<Own<graph::Node>, std::string>> tryMake(const CallContext&,
                                                               std::string_view) override {
    return fail(ErrorCode::kUnsupported, "no node");
  }
};

class QueueGroup : public net::ShardTest {
 protected:
  // A provider with a connection of its own, as in a process of its own.
  struct Member {
    std::shared_ptr<nats::Connection> connection;
    std::unique_ptr<NatsServer> server;
    // As if its process was killed: nothing is drained. What is sent to it until the server of
    // NATS notices is lost; when this returns, it has.
    Task<void> vanish(net::Shard& shard) {
      server.reset();
      EXPECT_TRUE(co_await connection->flush(shard, kPatience));
      co_await connection->close();
    }
  };
  Task<Member> join(net::Shard& shard, Interface interface) {
    Member member;
    member.connection = *co_await connect(shard);
    const auto invoker = std::make_shared<ServiceInvoker>(std::vector{std::move(interface)});
    auto server = co_await makeNatsServer(
        shard, member.connection, invoker,
        {.prefix = "shared", .queue_group = "shared", .functions = invoker->functions()}, log_);
    EXPECT_TRUE(server) << server.error().describe();
    member.server = std::move(*server);
    co_return member;
  }
  Task<Result<std::shared_ptr<nats::Connection>>> connect(net::Shard& shard) {
    return nats::Connection::connect(shard, {.servers = {nats_.url()}}, log_);
  }

  struct Caller {
    Caller(net::Shard& shard, std::shared_ptr<nats::Connection> over)
        : connection(std::move(over)),
          invoker(makeNatsInvoker(connection, {.prefix = "shared"})),
          session(invoker->open(shard, consumer)) {}
    std::shared_ptr<nats::Connection> connection;
    std::shared_ptr<Invoker> invoker;
    std::shared_ptr<const Consumer> consumer = std::make_shared<Consumer>();
    std::unique_ptr<Session> session;
    CallContext context{
        .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  };

  nats::TestServer nats_;
  TestLog log_;
};

TEST_F(QueueGroup, SharesTheCallsAndOutlivesAMember) {
  run([this](net::Shard& shard) -> Task<void> {
    const auto one = std::make_shared<EchoShapes>();
    const auto other = std::make_shared<EchoShapes>();
    Member first = co_await join(shard, shapes::serve(one));
    Member second = co_await join(shard, shapes::serve(other));
    Caller caller(shard, *co_await connect(shard));
    const auto client = *shapes::Client::connect(*caller.invoker, *caller.session);
    constexpr int kCalls = 200;
    for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(co_await client->nothing(caller.context));
    // That one of them got none has a chance of 2^-199.
    EXPECT_GT(one->nothings, 0);
    EXPECT_GT(other->nothings, 0);
    EXPECT_EQ(one->nothings + other->nothings, kCalls) << "each call goes to one of them";

    co_await first.vanish(shard);
    const int before = one->nothings;
    other->nothings = 0;
    for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(co_await client->nothing(caller.context));
    EXPECT_EQ(other->nothings, kCalls);
    EXPECT_EQ(one->nothings, before);

    co_await second.vanish(shard);
    const auto nobody = co_await client->nothing(caller.context);
    EXPECT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code(), ErrorCode::kNotFound);
    caller.session.reset();
    co_await caller.connection->close();
  });
}

TEST_F(QueueGroup, AMemberRefusesTheHandlesOfAnother) {
  run([this](net::Shard& shard) -> Task<void> {
    Member first = co_await join(shard, graph::serve(std::make_shared<Nodes>()));
    Caller caller(shard, *co_await connect(shard));
    {
      const auto client = *graph::Client::connect(*caller.invoker, *caller.session);
      const auto node = co_await client->newNode(caller.context, "of the first");
      EXPECT_TRUE(node) << node.error().describe();
      EXPECT_EQ(*co_await (*node)->name(caller.context), "of the first");

      Member second = co_await join(shard, graph::serve(std::make_shared<Nodes>()));
      co_await first.vanish(shard);
      // It has a node as well, the first of its table, which nobody gets to by the other's handle.
      const auto own = co_await client->newNode(caller.context, "of the second");
      EXPECT_TRUE(own) << own.error().describe();
      const auto name = co_await (*node)->name(caller.context);
      EXPECT_FALSE(name) << *name;
      EXPECT_TRUE(log_.mentions("there is no such resource"));
      EXPECT_EQ(*co_await (*own)->name(caller.context), "of the second");
      co_await second.vanish(shard);
    }
    caller.session.reset();
    co_await caller.connection->close();
  });
}

}  // namespace
}  // namespace nimbus::wrpc
