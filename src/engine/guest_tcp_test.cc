// TCP sockets of guests: what counts as one, and for how long.

#include "engine/test_channels.h"
#include "net/socket.h"

namespace nimbus::engine {
namespace {

class GuestTcpTest : public ChannelsTest, public testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] Bytes guest() const override { return socketGuest(); }
  [[nodiscard]] EngineOptions engineOptions() const override {
    EngineOptions options = smallEngine();
    if (GetParam()) options.selection = EngineOptions::Selection::kAlwaysFull;
    return options;
  }
  void SetUp() override {
    ChannelsTest::SetUp();
    guest_host_->sockets_allowed = true;
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    ASSERT_TRUE(sockets) << sockets.error().describe();
    listener_ = std::move(sockets->front());
  }

  // A stream of a connection to the listener. The guest has the rest of it until "close".
  Task<std::unique_ptr<wrpc::ByteSource>> opened(wrpc::Session& session) {
    const std::uint16_t port = listener_->boundTo().port;
    Results results = co_await call(session, "open", leb(port));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return nullptr;
    co_return results->take({0});
  }

  // Nobody accepts: the kernel does.
  std::unique_ptr<net::ListenSocket> listener_;
};

INSTANTIATE_TEST_SUITE_P(Engines, GuestTcpTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Full" : "Plain"; });

TEST_P(GuestTcpTest, AStreamThatAnotherKeepsCountsAsItsSocket) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    auto stream = co_await opened(*session);
    if (!stream) co_return;
    EXPECT_EQ(guest_host_->open_sockets, 1);
    EXPECT_EQ(guest_host_->outgoing_sockets, 1);
    const Results closed = co_await call(*session, "close");
    EXPECT_TRUE(closed) << closed.error().describe();
    EXPECT_EQ(guest_host_->open_sockets, 1);
    EXPECT_EQ(guest_host_->outgoing_sockets, 1);
    stream.reset();
    EXPECT_EQ(guest_host_->open_sockets, 0);
    EXPECT_EQ(guest_host_->outgoing_sockets, 0);
  });
}

TEST_P(GuestTcpTest, ASocketCountsWhenItsStreamIsGone) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    auto stream = co_await opened(*session);
    stream.reset();
    EXPECT_EQ(guest_host_->open_sockets, 1);
    const Results closed = co_await call(*session, "close");
    EXPECT_TRUE(closed) << closed.error().describe();
    EXPECT_EQ(guest_host_->open_sockets, 0);
  });
}

TEST_P(GuestTcpTest, AStreamOfAnInstanceThatIsGoneCountsNoMore) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    const auto stream = co_await opened(*session);
    session.reset();
    EXPECT_EQ(guest_host_->open_sockets, 0);
  });
}

}  // namespace
}  // namespace nimbus::engine
