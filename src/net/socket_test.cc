#include "net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <set>

#include "base/sync.h"
#include "base/unique_fd.h"
#include "net/bind.h"
#include "net/socket_address.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

Endpoint loopback() { return *Endpoint::parse("127.0.0.1:0"); }

// A plain connection made without the code under test.
UniqueFd connectPlainly(const Endpoint& where) {
  const SocketAddress address = *toSocketAddress(where);
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.get(), address.size) != 0) fd.reset();
  return fd;
}

// Makes every new descriptor fail with EMFILE while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class SocketTest : public ShardTest {};

TEST_F(SocketTest, PortZeroIsBoundOnceAndSharedByAllShards) {
  const auto sockets = listenOn(loopback(), 3);
  ASSERT_TRUE(sockets);
  ASSERT_EQ(sockets->size(), 3u);
  std::set<std::string> bound;
  for (const auto& socket : *sockets) bound.insert(socket->boundTo().toString());
  EXPECT_EQ(bound.size(), 1u);
  EXPECT_NE((*sockets)[0]->boundTo().port, 0);
}

TEST_F(SocketTest, APortInUseIsRefusedWhetherShardsShareItOrNot) {
  for (std::size_t first : {1, 2}) {
    const auto taken = listenOn(loopback(), first);
    ASSERT_TRUE(taken);
    for (std::size_t second : {1, 2}) {
      const auto again = listenOn((*taken)[0]->boundTo(), second);
      ASSERT_FALSE(again) << first << " then " << second;
      EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
    }
  }
}

TEST_F(SocketTest, WhatIsOnlyBoundRefusesConnections) {
  for (std::size_t shards : {1, 2}) {
    const auto sockets = bindTo(loopback(), shards);
    ASSERT_TRUE(sockets);
    const Endpoint where = (*sockets)[0]->boundTo();
    EXPECT_FALSE(connectPlainly(where).valid());
    ASSERT_TRUE(startListening(*sockets));
    EXPECT_TRUE(connectPlainly(where).valid());
  }
}

TEST_F(SocketTest, WhoeverListensFirstHasThePort) {
  for (std::size_t shards : {1, 2}) {
    const auto early = bindTo(loopback(), shards);
    ASSERT_TRUE(early);
    const auto faster = listenOn((*early)[0]->boundTo(), shards);
    if (!faster) continue;  // the system does not let two bind it
    const auto late = startListening(*early);
    ASSERT_FALSE(late) << shards;
    EXPECT_EQ(late.error().code(), ErrorCode::kAlreadyExists);
  }
}

TEST_F(SocketTest, APortCanBeBoundAgainAtOnceThoughOldConnectionsLinger) {
  auto sockets = *listenOn(loopback(), 1);
  const Endpoint where = sockets[0]->boundTo();
  run([&](Shard& shard) -> Task<void> {
    OneShot<std::unique_ptr<Stream>> accepted;
    auto acceptor = makeAcceptor(shard, std::move(sockets[0]), [&](std::unique_ptr<Stream> stream) {
      accepted.set(std::move(stream));
    });
    auto client = *co_await connectTo(shard, where);
    auto server = co_await accepted.wait();
    server.reset();  // the server's side ends first and keeps TIME_WAIT
  });
  EXPECT_TRUE(listenOn(where, 1));
}

TEST_F(SocketTest, BothEndsKnowEachOther) {
  run([](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    EXPECT_TRUE(pair.server->peer().address.starts_with("127.0.0.1:"));
    EXPECT_TRUE(pair.client->peer().address.starts_with("127.0.0.1:"));
    EXPECT_FALSE(pair.server->peer().tls);
  });
}

TEST_F(SocketTest, Ipv6PeersAreShownInBrackets) {
  if (!listenOn(*Endpoint::parse("[::1]:0"), 1)) GTEST_SKIP() << "no IPv6 here";
  run([](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard, *Endpoint::parse("[::1]:0"));
    EXPECT_TRUE(pair.server->peer().address.starts_with("[::1]:"));
  });
}

TEST_F(SocketTest, ShardsOfOnePortShareItsConnections) {
  auto group = *ShardGroup::start(2);
  auto sockets = *listenOn(loopback(), 2);
  const Endpoint where = sockets[0]->boundTo();
  std::array<std::unique_ptr<Acceptor>, 2> acceptors;
  std::array<std::atomic<int>, 2> counts{};
  for (std::size_t index : {0, 1}) {
    group->runOn(index, [&](Shard& shard) {
      acceptors[index] = makeAcceptor(shard, std::move(sockets[index]),
                                      [&, index](std::unique_ptr<Stream>) { counts[index] += 1; });
    });
  }
  std::vector<UniqueFd> clients;
  for (int number = 0; number < 100; ++number) clients.push_back(connectPlainly(where));
  for (const UniqueFd& client : clients) {
    char byte;
    EXPECT_EQ(::read(client.get(), &byte, 1), 0);  // accepted, and closed by its stream's end
  }
  EXPECT_EQ(counts[0] + counts[1], 100);
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[1], 0);
  for (std::size_t index : {0, 1}) {
    group->runOn(index, [&](Shard&) { acceptors[index].reset(); });
  }
}

TEST_F(SocketTest, AcceptedConnectionsSendSmallWritesAtOnce) {
  auto sockets = *listenOn(loopback(), 1);
  const Endpoint where = sockets[0]->boundTo();
  run([&](Shard& shard) -> Task<void> {
    OneShot<int> no_delay;
    auto acceptor = makeAcceptor(shard, std::move(sockets[0]), [&](std::unique_ptr<Stream>) {
      // The newest descriptor of the process that is a connected TCP socket of ours.
      for (int fd = 3; fd < 1024; ++fd) {
        SocketAddress local;
        if (::getsockname(fd, local.get(), &local.size) != 0) continue;
        SocketAddress peer;
        if (::getpeername(fd, peer.get(), &peer.size) != 0) continue;
        if (fromSocketAddress(local).port != where.port) continue;
        int value = 0;
        socklen_t size = sizeof value;
        ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size);
        return no_delay.set(value);
      }
    });
    const UniqueFd client = connectPlainly(where);
    EXPECT_NE(co_await no_delay.wait(), 0);
  });
}

TEST_F(SocketTest, StopAcceptsWhatIsQueuedThenRefuses) {
  auto sockets = *listenOn(loopback(), 1);
  const Endpoint where = sockets[0]->boundTo();
  std::vector<UniqueFd> queued;
  for (int number = 0; number < 100; ++number) queued.push_back(connectPlainly(where));
  run([&](Shard& shard) -> Task<void> {
    int accepted = 0;
    auto acceptor =
        makeAcceptor(shard, std::move(sockets[0]), [&](std::unique_ptr<Stream>) { accepted += 1; });
    acceptor->stop();
    acceptor->stop();
    Event later;
    shard.post([&] { later.set(); });
    co_await later.wait();
    EXPECT_EQ(accepted, 100);
    EXPECT_FALSE(connectPlainly(where).valid());
    const auto refused = co_await connectTo(shard, where);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(SocketTest, AnAcceptorMayBeDestroyedByItsOwnCallback) {
  auto sockets = *listenOn(loopback(), 1);
  const Endpoint where = sockets[0]->boundTo();
  const UniqueFd first = connectPlainly(where);
  const UniqueFd second = connectPlainly(where);
  run([&](Shard& shard) -> Task<void> {
    OneShot<int> done;
    int accepted = 0;
    std::unique_ptr<Acceptor> acceptor;
    acceptor = makeAcceptor(shard, std::move(sockets[0]), [&](std::unique_ptr<Stream>) {
      acceptor.reset();
      accepted += 1;
      done.set(accepted);
    });
    EXPECT_EQ(co_await done.wait(), 1);
    EXPECT_FALSE(connectPlainly(where).valid());
    EXPECT_EQ(accepted, 1);
  });
}

TEST_F(SocketTest, OutOfDescriptorsItPausesAndGoesOnLater) {
  auto sockets = *listenOn(loopback(), 1);
  const Endpoint where = sockets[0]->boundTo();
  const UniqueFd client = connectPlainly(where);
  run([&](Shard& shard) -> Task<void> {
    OneShot<TimePoint> accepted;
    std::unique_ptr<Acceptor> acceptor;
    const TimePoint start = std::chrono::steady_clock::now();
    std::optional<NoMoreDescriptors> limit;
    acceptor = makeAcceptor(shard, std::move(sockets[0]),
                            [&](std::unique_ptr<Stream>) { accepted.set(shard.now()); });
    limit.emplace();
    co_await shard.sleepFor(std::chrono::milliseconds(30));
    EXPECT_FALSE(accepted.ready());
    limit.reset();
    EXPECT_GE(co_await accepted.wait(), start + std::chrono::milliseconds(90));
  });
}

TEST_F(SocketTest, NobodyListeningIsUnavailable) {
  const Endpoint where = (*listenOn(loopback(), 1))[0]->boundTo();
  run([where](Shard& shard) -> Task<void> {
    const auto stream = co_await connectTo(shard, where);
    EXPECT_EQ(stream.error().code(), ErrorCode::kUnavailable);
    EXPECT_NE(stream.error().message().find(where.toString()), std::string::npos);
  });
}

TEST_F(SocketTest, AConnectThatIsGivenUpLeavesNothingBehind) {
  // The queue is full, so the second connection stays pending.
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress address = *toSocketAddress(loopback());
  ASSERT_EQ(::bind(listener.get(), address.get(), address.size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  SocketAddress bound;
  ASSERT_EQ(::getsockname(listener.get(), bound.get(), &bound.size), 0);
  const Endpoint where = fromSocketAddress(bound);
  const UniqueFd first = connectPlainly(where);
  run([where](Shard& shard) -> Task<void> {
    const auto attempt = [](Shard& on, Endpoint to) -> Task<void> {
      (void)co_await connectTo(on, to);
    };
    TaskSet tasks;
    for (int number = 0; number < 3; ++number) tasks.spawn(attempt(shard, where));
    EXPECT_GT(tasks.size(), 0u);
    tasks.cancelAll();
    co_await shard.sleepFor(std::chrono::milliseconds(2));
  });
}

class UnixSocketTest : public ShardTest {
 protected:
  [[nodiscard]] Endpoint where() const { return *Endpoint::parse("unix:" + path_); }
  [[nodiscard]] bool exists() const { return std::filesystem::exists(path_); }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("nimbus.sock");
};

TEST_F(UnixSocketTest, IsForItsOwnerOnlyAndGoesWithTheLastListener) {
  {
    auto sockets = *listenOn(where(), 2);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(sockets[0]->boundTo().toString(), where().toString());
    sockets.pop_back();
    EXPECT_TRUE(exists());
  }
  EXPECT_FALSE(exists());
}

TEST_F(UnixSocketTest, ALiveOneIsRefusedAndStays) {
  const auto first = listenOn(where(), 1);
  const auto second = listenOn(where(), 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(connectPlainly(where()).valid());
}

TEST_F(UnixSocketTest, OneThatWasTakenMeanwhileIsNotListenedOn) {
  const auto early = bindTo(where(), 1);
  ASSERT_TRUE(early);
  EXPECT_FALSE(connectPlainly(where()).valid());
  const auto faster = listenOn(where(), 1);
  ASSERT_TRUE(faster) << faster.error().describe();
  EXPECT_EQ(startListening(*early).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(connectPlainly(where()).valid());
}

TEST_F(UnixSocketTest, AStaleOneIsReplaced) {
  {
    // As a killed process leaves it: bound, nobody listens.
    const SocketAddress address = *toSocketAddress(where());
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd.get(), address.get(), address.size), 0);
  }
  ASSERT_TRUE(exists());
  const auto sockets = listenOn(where(), 1);
  ASSERT_TRUE(sockets) << sockets.error().describe();
  EXPECT_TRUE(connectPlainly(where()).valid());
}

TEST_F(UnixSocketTest, AnotherKindOfFileIsNeverRemoved) {
  folder_.write("nimbus.sock", "precious");
  EXPECT_EQ(listenOn(where(), 1).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(exists());
}

TEST_F(UnixSocketTest, ALongPathIsRefusedByName) {
  const auto sockets = listenOn(*Endpoint::parse("unix:/" + std::string(200, 'x')), 1);
  EXPECT_EQ(sockets.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(UnixSocketTest, AMissingFileIsUnavailable) {
  run([this](Shard& shard) -> Task<void> {
    EXPECT_EQ((co_await connectTo(shard, where())).error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(UnixSocketTest, SeveralShardsAcceptFromOneSocket) {
  auto group = *ShardGroup::start(2);
  auto sockets = *listenOn(where(), 2);
  std::array<std::unique_ptr<Acceptor>, 2> acceptors;
  std::atomic<int> accepted = 0;
  for (std::size_t index : {0, 1}) {
    group->runOn(index, [&](Shard& shard) {
      acceptors[index] = makeAcceptor(shard, std::move(sockets[index]),
                                      [&](std::unique_ptr<Stream>) { accepted += 1; });
    });
  }
  for (int number = 0; number < 50; ++number) {
    const UniqueFd client = connectPlainly(where());
    char byte;
    EXPECT_EQ(::read(client.get(), &byte, 1), 0);
  }
  EXPECT_EQ(accepted, 50);
  // One shard stopping leaves the other serving.
  group->runOn(0, [&](Shard&) { acceptors[0].reset(); });
  EXPECT_TRUE(connectPlainly(where()).valid());
  group->runOn(1, [&](Shard&) { acceptors[1].reset(); });
  EXPECT_FALSE(exists());
}

TEST_F(UnixSocketTest, PeersAreShownAsUnix) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard, where());
    EXPECT_EQ(pair.server->peer().address, "unix");
    EXPECT_EQ(pair.client->peer().address, "unix");
  });
}

TEST_F(UnixSocketTest, ConnectingWaitsWhileTheQueueIsFull) {
  const SocketAddress address = *toSocketAddress(where());
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), address.get(), address.size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const UniqueFd first = connectPlainly(where());
  run([&](Shard& shard) -> Task<void> {
    OneShot<bool> connected;
    const auto attempt = [](Shard& on, Endpoint to, OneShot<bool>& done) -> Task<void> {
      done.set((co_await connectTo(on, to)).has_value());
    };
    TaskSet tasks;
    tasks.spawn(attempt(shard, where(), connected));
    EXPECT_FALSE(connected.ready());
    const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
    co_await tasks.empty();
    EXPECT_TRUE(co_await connected.wait());
  });
}

Task<void> setWhenGone(Stream& stream, bool& gone) {
  co_await stream.gone();
  gone = true;
}

// Both sides have finished sending; then the client resets.
Task<void> expectResetIsNoticed(Shard& shard, Endpoint where) {
  StreamPair pair = co_await connectedPair(shard, where);
  bool gone = false;
  TaskSet tasks;
  EXPECT_TRUE(co_await pair.client->shutdownWrite());
  std::array<std::uint8_t, 8> buffer;
  EXPECT_EQ(co_await pair.server->read(buffer), 0u);
  tasks.spawn(setWhenGone(*pair.server, gone));
  // What else is told meanwhile, such as room to write, is not that.
  EXPECT_TRUE(co_await pair.server->writeAll(asBytes("x")));
  EXPECT_EQ(co_await pair.client->read(buffer), 1u);
  EXPECT_FALSE(gone);
  pair.client->reset();
  co_await tasks.empty();
  EXPECT_TRUE(gone);
}

TEST_F(SocketTest, ATcpPeerThatResetsIsGone) {
  run([](Shard& shard) { return expectResetIsNoticed(shard, *Endpoint::parse("127.0.0.1:0")); });
}

TEST_F(UnixSocketTest, AUnixPeerThatResetsIsGone) {
  run([this](Shard& shard) { return expectResetIsNoticed(shard, where()); });
}

TEST_F(SocketTest, PiecesAreWrittenInOrderAsFarAsTheyFit) {
  run([](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    const std::string large(100, 'b');
    std::vector<ByteView> pieces{asBytes("a")};
    for (int i = 0; i < 100; ++i) pieces.push_back(asBytes(large));
    const auto taken = pair.client->tryWritePieces(pieces);
    EXPECT_TRUE(taken);
    EXPECT_GE(*taken, 101u);
    pair.client->close();
    EXPECT_EQ(*co_await readToEnd(*pair.server), "a" + std::string(*taken - 1, 'b'));
    EXPECT_EQ(pair.client->tryWritePieces(pieces).error().code(), ErrorCode::kCancelled);
  });
}

}  // namespace
}  // namespace nimbus::net
