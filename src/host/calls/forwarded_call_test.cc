#include "host/calls/forwarded_call.h"

#include "host/http_test_support.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

class NoClient final : public http::Client {
 public:
  Task<Result<std::unique_ptr<http::ClientResponse>>> send(http::RequestHead, http::BodyReader*,
                                                           http::RequestOptions) override {
    co_return fail(ErrorCode::kUnavailable, "no client here");
  }
  void forget(const std::string&) override {}
};

// Shard 0 accepts requests, shard 1 answers them.
class ForwardedCallTest : public ::testing::Test {
 protected:
  void SetUp() override {
    shards_ = net::ShardGroup::start(2).value();
    shards_->runOn(1, [&](net::Shard& shard) {
      owner_ = std::make_unique<ShardRuntime>(shard, 2, instances_, resolver_, client_);
    });
  }
  void TearDown() override {
    shards_->runOn(1, [&](net::Shard&) { owner_.reset(); });
  }

  // A request on shard 0 that `serve` answers on shard 1; `meanwhile` runs on shard 0.
  using Meanwhile = std::move_only_function<Task<void>(net::Shard&, FakeBody&, FakeResponse&,
                                                       TaskSet& forwarding)>;
  void forward(ServeThere serve, Meanwhile meanwhile) {
    auto shared = std::make_shared<ServeThere>(std::move(serve));
    shards_->runTask(0, [&](net::Shard& here) -> Task<void> {
      FakeBody body;
      FakeResponse response;
      const net::PeerInfo peer{"127.0.0.1:4711", false, {}, {}, {}};
      http::ServerRequest request{.head = {}, .body = &body, .peer = &peer};
      request.head.path = "/asked";
      TaskSet forwarding;
      forwarding.spawn(forwardTo(owner_.get(), &here, &request, &response, std::move(shared)));
      co_await meanwhile(here, body, response, forwarding);
    });
  }

  Quota instances_{10};
  net::FixedResolver resolver_;
  NoClient client_;
  std::unique_ptr<net::ShardGroup> shards_;
  std::unique_ptr<ShardRuntime> owner_;
};

Task<void> echo(ShardRuntime& runtime, http::ServerRequest& request,
                http::ResponseWriter& response) {
  EXPECT_TRUE(runtime.shard.onThread());
  EXPECT_EQ(request.head.path, "/asked");
  EXPECT_EQ(request.peer->address, "127.0.0.1:4711");
  response.sendHead({.status = 200, .headers = {}}, std::nullopt);
  while (true) {
    auto piece = co_await request.body->read();
    if (!piece || !piece->has_value()) break;
    (void)co_await response.write(**std::move(piece));
  }
  http::Headers trailers;
  if (!request.body->trailers().empty()) {
    trailers.add(request.body->trailers()[0].name, "back");
  }
  response.finish(trailers);
}

TEST_F(ForwardedCallTest, ContentStreamsBothWays) {
  forward(
      echo,
      [](net::Shard&, FakeBody& body, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        body.add("one");
        while (response.told != "200 {one}") {
          response.changed.clear();
          co_await response.changed.wait();
        }
        body.add("two");  // the answer to the first came before the second was there
        body.trailers_.add("x-sum", "6");
        body.end();
        co_await forwarding.empty();
        EXPECT_EQ(response.told, "200 {one} {two} end with x-sum");
      });
}

TEST_F(ForwardedCallTest, AClientThatFailsInTheMiddleIsSeenThere) {
  forward(
      [](ShardRuntime&, http::ServerRequest& request,
         http::ResponseWriter& response) -> Task<void> {
        const auto piece = co_await request.body->read();
        EXPECT_EQ(piece.error().code(), ErrorCode::kCancelled);
        response.abort();
      },
      [](net::Shard&, FakeBody& body, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        body.fail();
        co_await forwarding.empty();
        EXPECT_EQ(response.told, " abort");
      });
}

TEST_F(ForwardedCallTest, AFailureOverThereIsOneHere) {
  forward(
      [](ShardRuntime&, http::ServerRequest&, http::ResponseWriter& response) -> Task<void> {
        response.sendFailure({503, "full", "connection-limit-reached", true});
        EXPECT_TRUE(response.headSent());
        co_return;
      },
      [](net::Shard&, FakeBody&, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        co_await forwarding.empty();
        EXPECT_EQ(response.told, "503 [4] retry-after 1 {full} end");
      });
}

TEST_F(ForwardedCallTest, TheEndOverThereEndsItHereEvenWithoutAResponse) {
  forward(
      [](ShardRuntime&, http::ServerRequest&, http::ResponseWriter&) -> Task<void> { co_return; },
      [](net::Shard&, FakeBody&, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        co_await forwarding.empty();
        EXPECT_EQ(response.told, "");
      });
}

// Answers for ever; notes how much it has written and when it is destroyed.
struct Torrent {
  std::atomic<std::uint64_t> written_bytes{0};
  std::atomic<bool> ended{false};
};

Task<void> pour(Torrent* torrent, http::ResponseWriter* response) {
  struct Ended {
    Torrent* torrent;
    ~Ended() { torrent->ended = true; }
  } ended{torrent};
  response->sendHead({.status = 200, .headers = {}}, std::nullopt);
  const Bytes piece = Bytes::take(std::string(10'000, 'x'));
  while (co_await response->write(piece)) torrent->written_bytes += piece.size();
}

Task<void> until(net::Shard* shard, std::move_only_function<bool()> holds) {
  while (!holds()) co_await shard->sleepFor(std::chrono::milliseconds(1));
}

TEST_F(ForwardedCallTest, ASlowClientSlowsTheOtherShard) {
  Torrent torrent;
  forward(
      [&](ShardRuntime&, http::ServerRequest&, http::ResponseWriter& response) {
        return pour(&torrent, &response);
      },
      [&](net::Shard& here, FakeBody&, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        response.hold = true;
        co_await until(&here, [&] { return torrent.written_bytes >= 64 * 1024; });
        co_await settle(here);
        EXPECT_LE(torrent.written_bytes, 64 * 1024 + 10'000) << "a window of it";
        response.hold = false;
        response.let_go.set();
        co_await until(&here, [&] { return torrent.written_bytes > 200'000; });
        forwarding.cancelAll();
        co_await until(&here, [&] { return torrent.ended.load(); });
      });
  shards_->runTask(1, [&](net::Shard&) { return owner_->forwarded.empty(); });
}

TEST_F(ForwardedCallTest, AClientThatIsGoneEndsTheWorkOverThere) {
  Torrent torrent;
  forward(
      [&](ShardRuntime&, http::ServerRequest&, http::ResponseWriter& response) {
        return pour(&torrent, &response);
      },
      [&](net::Shard& here, FakeBody&, FakeResponse& response, TaskSet& forwarding) -> Task<void> {
        response.gone = true;
        co_await forwarding.empty();
        co_await until(&here, [&] { return torrent.ended.load(); });
      });
}

TEST_F(ForwardedCallTest, CancellingBeforeTheOtherSideBeginsIsHarmless) {
  Torrent torrent;
  forward([&](ShardRuntime&, http::ServerRequest&,
              http::ResponseWriter& response) { return pour(&torrent, &response); },
          [](net::Shard&, FakeBody&, FakeResponse&, TaskSet& forwarding) -> Task<void> {
            forwarding.cancelAll();
            co_return;
          });
  shards_->runTask(1, [&](net::Shard&) -> Task<void> { co_await owner_->forwarded.empty(); });
}

}  // namespace
}  // namespace nimbus::host
