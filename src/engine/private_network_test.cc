// Guests that reach each other by the private network of their workload: the ends of a connection
// are on different shards.

#include <thread>

#include "engine/test_channels.h"
#include "net/socket.h"

namespace nimbus::engine {
namespace {

constexpr std::uint16_t kPort = 7777;
// What the guest returns: 1000 and the error-code.
constexpr std::uint32_t kAccessDenied = 1001;
constexpr std::uint32_t kNewSocketLimit = 1010;
constexpr std::uint32_t kAddressInUse = 1012;
constexpr std::uint32_t kConnectionRefused = 1014;

// One instance on a shard of its own.
class Side final : public GuestEnvironment {
 public:
  Side(net::ShardGroup& group, std::size_t shard, std::shared_ptr<const Component> component,
       std::shared_ptr<const PrivateNetwork> network, Logger& log)
      : group_(group), index_(shard), component_(std::move(component)), log_(log) {
    host->sockets_allowed = true;
    options_ = roomyContext();
    options_.network = std::move(network);
    group_.runTask(index_, [this](net::Shard& here) -> Task<void> {
      open(here);
      co_return;
    });
  }
  ~Side() override { close(); }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  // The instance ends.
  void close() {
    group_.runTask(index_, [this](net::Shard&) -> Task<void> {
      stream_.reset();
      session_.reset();
      context_.reset();
      poller_.reset();
      co_return;
    });
  }

  std::optional<std::uint32_t> call(std::string_view function, const std::string& params = {}) {
    std::optional<std::uint32_t> found;
    run(function, params, [&](wrpc::Values& results) -> Task<void> {
      std::string_view bytes = asText(results.bytes.flatten());
      found = fromLeb(bytes);
      co_return;
    });
    return found;
  }

  // Keeps a stream of a connection.
  void connect(std::uint16_t port) {
    run("open", leb(port), [&](wrpc::Values& results) -> Task<void> {
      stream_ = results.take({0});
      co_return;
    });
    ASSERT_NE(stream_, nullptr);
  }
  // What comes of that.
  Drained drained() {
    Drained seen;
    group_.runTask(index_,
                   [&](net::Shard&) -> Task<void> { seen = co_await drain(std::move(stream_)); });
    return seen;
  }

  Poller& poller(net::Shard& /*shard*/) override { return *poller_; }
  const GuestContext& context(net::Shard& /*shard*/) override { return *context_; }

  const std::shared_ptr<FakeGuestHost> host = std::make_shared<FakeGuestHost>();

 private:
  void open(net::Shard& here) {
    poller_.emplace(here);
    auto made = GuestContext::create(here, options_, host);
    ASSERT_TRUE(made) << made.error().describe();
    context_ = std::move(*made);
    ComponentInvokerOptions limits;
    limits.time_limit = std::chrono::seconds(60);
    invoker_.emplace(component_, std::shared_ptr<GuestEnvironment>(this, [](GuestEnvironment*) {}),
                     limits, log_);
    session_ = invoker_->open(here, std::make_shared<wrpc::Consumer>());
  }

  void run(std::string_view function, const std::string& params,
           std::function<Task<void>(wrpc::Values&)> use) {
    group_.runTask(index_, [&](net::Shard&) -> Task<void> {
      const auto id = invoker_->resolve({"", function});
      EXPECT_TRUE(id) << id.error().describe();
      wrpc::Values values;
      values.bytes.append(asBytes(params));
      Results results = co_await session_->invoke(call_, *id, std::move(values));
      EXPECT_TRUE(results) << results.error().describe();
      if (results) co_await use(*results);
    });
  }

  net::ShardGroup& group_;
  const std::size_t index_;
  const std::shared_ptr<const Component> component_;
  Logger& log_;
  GuestContextOptions options_;
  std::optional<Poller> poller_;
  std::unique_ptr<GuestContext> context_;
  std::optional<ComponentInvoker> invoker_;
  std::unique_ptr<wrpc::Session> session_;
  std::unique_ptr<wrpc::ByteSource> stream_;
  const wrpc::Consumer consumer_{};
  const wrpc::CallContext call_{consumer_, std::nullopt, {}};
};

class PrivateNetworkTest : public GuestTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    auto started = net::ShardGroup::start(2);
    ASSERT_TRUE(started) << started.error().describe();
    group_ = std::move(*started);
    EngineOptions options = smallEngine();
    if (GetParam()) options.selection = EngineOptions::Selection::kAlwaysFull;
    startEngine(options);
    component_ = load(socketGuest());
  }

  std::unique_ptr<Side> side(std::size_t shard) { return side(shard, network_); }
  std::unique_ptr<Side> side(std::size_t shard, std::shared_ptr<const PrivateNetwork> network) {
    return std::make_unique<Side>(*group_, shard, component_, std::move(network), *log_);
  }

  const std::shared_ptr<const PrivateNetwork> network_ = std::make_shared<PrivateNetwork>();
  std::shared_ptr<const Component> component_;
};

INSTANTIATE_TEST_SUITE_P(Engines, PrivateNetworkTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Full" : "Plain"; });

TEST_P(PrivateNetworkTest, InstancesOnTwoShardsTalk) {
  const auto server = side(0);
  const auto client = side(1);
  for (const auto& each : {server->host, client->host}) each->max_outgoing_sockets = 0;
  ASSERT_EQ(server->call("listen", leb(kPort)), 0);
  for (const std::uint32_t size : {1U, 100'000U}) {
    std::optional<std::uint32_t> served;
    std::thread serving([&] { served = server->call("serve"); });
    EXPECT_EQ(client->call("ask", leb(kPort) + leb(size)), size);
    serving.join();
    EXPECT_EQ(served, size);
  }
  // Each connection counted on both sides, and is over.
  EXPECT_EQ(server->host->sockets_made, 3);
  EXPECT_EQ(server->host->open_sockets, 1);
  EXPECT_EQ(client->host->sockets_made, 2);
  EXPECT_EQ(client->host->open_sockets, 0);
}

TEST_P(PrivateNetworkTest, NobodyListens) {
  const auto client = side(1);
  EXPECT_EQ(client->call("ask", leb(kPort) + leb(1)), kConnectionRefused);
  EXPECT_EQ(client->host->open_sockets, 0);
}

TEST_P(PrivateNetworkTest, NetworksDoNotMeet) {
  const auto server = side(0);
  ASSERT_EQ(server->call("listen", leb(kPort)), 0);
  const auto stranger = side(1, std::make_shared<PrivateNetwork>());
  EXPECT_EQ(stranger->call("ask", leb(kPort) + leb(1)), kConnectionRefused);
  EXPECT_EQ(stranger->call("listen", leb(kPort)), 0) << "a port of its own";
}

TEST_P(PrivateNetworkTest, APortIsTakenUntilItsInstanceEnds) {
  const auto server = side(0);
  const auto other = side(1);
  ASSERT_EQ(server->call("listen", leb(kPort)), 0);
  EXPECT_EQ(other->call("listen", leb(kPort)), kAddressInUse);
  server->close();
  EXPECT_EQ(server->host->open_sockets, 0);
  EXPECT_EQ(other->call("ask", leb(kPort) + leb(1)), kConnectionRefused);
  EXPECT_EQ(other->call("listen", leb(kPort)), 0);
}

TEST_P(PrivateNetworkTest, WhoMayNotListenDoesNot) {
  const auto guest = side(0);
  guest->host->listening_allowed = false;
  EXPECT_EQ(guest->call("listen", leb(kPort)), kAccessDenied);
}

TEST_P(PrivateNetworkTest, WhoIsBoundThereReachesTheMachine) {
  auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
  ASSERT_TRUE(sockets) << sockets.error().describe();
  // Nobody accepts: the kernel does.
  const std::uint16_t port = sockets->front()->boundTo().port;
  const auto guest = side(0);
  EXPECT_EQ(guest->call("reach", leb(port)), kConnectionRefused);
  guest->host->machine_allowed = true;
  EXPECT_EQ(guest->call("reach", leb(port)), 0);
}

TEST_P(PrivateNetworkTest, WhoReachesTheMachineIsCounted) {
  auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
  ASSERT_TRUE(sockets) << sockets.error().describe();
  const std::uint16_t port = sockets->front()->boundTo().port;
  const auto guest = side(0);
  guest->host->machine_allowed = true;
  guest->host->max_outgoing_sockets = 0;
  EXPECT_EQ(guest->call("reach", leb(port)), kNewSocketLimit);
  EXPECT_EQ(guest->host->open_sockets, 0) << "what was refused is gone";
  guest->host->max_outgoing_sockets = 1;
  EXPECT_EQ(guest->call("reach", leb(port)), 0);
  EXPECT_EQ(guest->host->outgoing_sockets, 0);
  EXPECT_EQ(guest->call("reach", leb(port)), 0) << "what was closed may be opened again";
}

TEST_P(PrivateNetworkTest, AConnectionEndsWithTheOtherInstance) {
  const auto server = side(0);
  const auto client = side(1);
  ASSERT_EQ(server->call("listen", leb(kPort)), 0);
  client->connect(kPort);
  EXPECT_EQ(client->host->open_sockets, 1);
  server->close();
  const Drained seen = client->drained();
  EXPECT_TRUE(seen.broken);
  EXPECT_EQ(seen.bytes, 0U);
}

}  // namespace
}  // namespace nimbus::engine
