// Requests that a guest passes to another component, which these tests play.

#include <gmock/gmock.h>

#include "engine/import_set.h"
#include "engine/outgoing_request.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using Kind = CallOutcome::Kind;

constexpr const char* kImport = "wasi:http/incoming-handler@0.2.0";

class Target final : public RequestTarget {
 public:
  void start(net::Shard&, std::shared_ptr<OutgoingRequest> request) override {
    request_ = std::move(request);
    started_.set();
  }
  Task<std::shared_ptr<OutgoingRequest>> request() {
    co_await started_.wait();
    co_return std::move(request_);
  }

 private:
  std::shared_ptr<OutgoingRequest> request_;
  Event started_;
};

http::Headers fields(std::string_view name, std::string_view value) {
  http::Headers headers;
  headers.add(name, value);
  return headers;
}

class RequestTargetTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
    component_ = load(passingHandler());
    ASSERT_NE(component_, nullptr);
    std::vector<ImportBinding> bindings{{.import = kImport,
                                         .instance = {},
                                         .invoker = nullptr,
                                         .consumer = nullptr,
                                         .requests = target_}};
    auto imports = ImportSet::create(*component_, std::move(bindings));
    ASSERT_TRUE(imports) << imports.error().describe();
    options_.imports = *std::move(imports);
  }

  // Runs `play` while a call is on its way.
  void during(bool has_body,
              std::move_only_function<Task<void>(OutgoingRequest&, Exchange&)> play) {
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, options_);
      FreshCall call(poller, component_, *context, makeExchange(has_body), seconds(60));
      call.poll();
      const auto request = co_await target_->request();
      request->takeContent();
      co_await play(*request, call.exchange());
      request->close();
    });
  }

  std::shared_ptr<Target> target_ = std::make_shared<Target>();
  std::shared_ptr<const Component> component_;
  GuestContextOptions options_ = roomyContext();
};

TEST_F(RequestTargetTest, ARequestIsPassedOnAsItCame) {
  during(false, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    EXPECT_EQ(request.head().method, "GET");
    EXPECT_EQ(request.head().authority, "guest.test");
    EXPECT_EQ(request.head().path, "/");
    EXPECT_TRUE(request.body().empty()) << "known at once";
    request.respond({.status = 201, .headers = fields("x-from", "behind")});
    co_await request.push(Bytes::copyOf("answer"));
    request.end({});
    const CallOutcome outcome = co_await outcomeOf(exchange);
    EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
    EXPECT_EQ(exchange.head()->status, 201);
    EXPECT_EQ(exchange.head()->headers.find("x-from"), "behind");
    EXPECT_EQ(exchange.takeContent().text, "answer");
    EXPECT_TRUE(exchange.ended());
  });
}

TEST_F(RequestTargetTest, ContentAndTrailersPassBothWays) {
  during(true, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    EXPECT_FALSE(request.body().empty());
    exchange.pushBody(Bytes::copyOf("question"));
    const auto piece = co_await request.body().read();
    EXPECT_EQ(piece->value().text(), "question");
    request.respond({});
    co_await request.push(Bytes::copyOf("answer"));
    exchange.endBody(fields("x-asked", "all"));
    EXPECT_FALSE((co_await request.body().read())->has_value());
    EXPECT_EQ(request.body().trailers().find("x-asked"), "all");
    request.end(fields("x-answered", "all"));
    const CallOutcome outcome = co_await outcomeOf(exchange);
    EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
    EXPECT_EQ(exchange.trailers().find("x-answered"), "all");
  });
}

TEST_F(RequestTargetTest, ContentThatTheClientBrokeOffIsNoWholeContent) {
  during(true, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    exchange.failBody();
    const auto piece = co_await request.body().read();
    EXPECT_FALSE(piece);
  });
}

TEST_F(RequestTargetTest, TinyPiecesBehindALargeOneWaitAsOne) {
  during(false, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    const std::string large(std::size_t{16} * 1024, 'x');
    std::size_t sent = large.size();
    request.respond({});
    co_await request.push(Bytes::copyOf(large));
    for (int i = 0; i < 20; ++i) {
      // Each by itself: what comes at once is joined before.
      while (exchange.contentBytes() < sent) {
        exchange.changed().clear();
        co_await exchange.changed().wait();
      }
      co_await request.push(Bytes::copyOf("y"));
      ++sent;
    }
    request.end({});
    EXPECT_EQ((co_await outcomeOf(exchange)).kind, Kind::kOk);
    EXPECT_EQ(exchange.contentBytes(), sent);
    const Exchange::Content content = exchange.takeContent();
    EXPECT_EQ(content.text, "");
    EXPECT_EQ(content.pieces.size(), 2U);
    if (content.pieces.size() != 2) co_return;
    EXPECT_EQ(content.pieces.back().text(), std::string(20, 'y'));
  });
}

TEST_F(RequestTargetTest, NoResponseIsAnErrorOfTheCall) {
  during(false, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    request.fail("internal-error", "nobody is there");
    const CallOutcome outcome = co_await outcomeOf(exchange);
    EXPECT_EQ(outcome.kind, Kind::kErrorCode);
    EXPECT_EQ(outcome.error_code, "internal-error");
    EXPECT_THAT(outcome.message, HasSubstr("nobody is there"));
  });
}

TEST_F(RequestTargetTest, AResponseThatBreaksOffIsNoWholeResponse) {
  during(false, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    request.respond({});
    co_await request.push(Bytes::copyOf("the beginning"));
    request.fail("HTTP-response-incomplete", "it trapped");
    const CallOutcome outcome = co_await outcomeOf(exchange);
    EXPECT_EQ(outcome.kind, Kind::kTruncated) << outcome.message;
    EXPECT_FALSE(exchange.ended());
  });
}

TEST_F(RequestTargetTest, AResponseThatNobodyReadsIsCancelled) {
  during(false, [](OutgoingRequest& request, Exchange& exchange) -> Task<void> {
    request.respond({});
    exchange.discard();
    co_await request.cancelled().wait();
    EXPECT_EQ((co_await outcomeOf(exchange)).kind, Kind::kOk);
  });
}

TEST_F(RequestTargetTest, ACallThatIsGivenUpIsCancelled) {
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard, options_);
    auto call =
        std::make_unique<FreshCall>(poller, component_, *context, makeExchange(), seconds(60));
    call->poll();
    const auto request = co_await target_->request();
    call.reset();
    co_await request->cancelled().wait();
    request->close();
  });
}

TEST_F(RequestTargetTest, SomethingMustServeIt) {
  const auto imports = ImportSet::create(*component_, {});
  ASSERT_FALSE(imports);
  EXPECT_EQ(imports.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(imports.error().message(), HasSubstr(kImport));
  EXPECT_EQ(missingImports(*component_, {}).size(), 1U);
}

}  // namespace
}  // namespace nimbus::engine
