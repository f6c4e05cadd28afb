// Input streams of WASI 0.2 in the types of calls: outside they are streams of bytes.

#include <array>

#include "engine/test_channels.h"

namespace nimbus::engine {
namespace {

using namespace std::string_literals;

constexpr std::uint32_t kFailed = 0x80000000;  // what the guest adds

// Both engines, for either may serve a component of WASI 0.2.
class GuestInputStreamsTest : public ChannelsTest, public testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] Bytes guest() const override { return inputStreamGuest(); }
  [[nodiscard]] EngineOptions engineOptions() const override {
    EngineOptions options = smallEngine();
    if (GetParam()) options.selection = EngineOptions::Selection::kAlwaysFull;
    return options;
  }

  // What a function returns that takes this stream, and perhaps a number.
  std::optional<std::uint32_t> given(std::string_view function,
                                     std::unique_ptr<wrpc::ByteSource> source,
                                     const std::string& more = {}) {
    return result(function, params(std::move(source), more));
  }
  std::optional<std::uint32_t> given(std::string_view function,
                                     const std::shared_ptr<Pieces::Script>& script,
                                     const std::string& more = {}) {
    return given(function, std::make_unique<Pieces>(script), more);
  }

  static wrpc::Values params(std::unique_ptr<wrpc::ByteSource> source,
                             const std::string& more = {}) {
    wrpc::Values values = *oneChannel(std::move(source));
    values.bytes.append(asBytes(more));
    return values;
  }

  // A stream that the guest gave back just as it got it.
  Task<std::unique_ptr<wrpc::ByteSource>> passed(wrpc::Session& session,
                                                 std::shared_ptr<Pieces::Script> script) {
    Results results = co_await call(session, "pass", *scripted(script));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return nullptr;
    EXPECT_EQ(asText(results->bytes.flatten()), "\0"s);
    co_return results->take({0});
  }

  const std::shared_ptr<Pieces::Script> script_ = std::make_shared<Pieces::Script>();
};

INSTANTIATE_TEST_SUITE_P(Engines, GuestInputStreamsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Full" : "Plain"; });

// --- what guests read

TEST_P(GuestInputStreamsTest, AnExportReadsWhatItIsGiven) {
  for (const std::size_t chunk : std::array<std::size_t, 4>{1, 77, 1000, 100'000}) {
    EXPECT_EQ(given("count", std::make_unique<Counting>(5000, chunk), leb(300)), 5000);
    EXPECT_EQ(given("poll", std::make_unique<Counting>(5000, chunk)), 5000);
    EXPECT_EQ(given("skip", std::make_unique<Counting>(5000, chunk)), 5000);
  }
  EXPECT_EQ(given("count", std::make_unique<Counting>(0, 1), leb(300)), 0);
}

TEST_P(GuestInputStreamsTest, AGuestReadsWhatAnImportGives) {
  constexpr std::uint32_t kTotal = 1U << 20U;
  answer_ = [&](const std::string& function, wrpc::Values) -> Answered {
    EXPECT_EQ(function, "source");
    return oneChannel(std::make_unique<Counting>(kTotal, 100'000));
  };
  EXPECT_EQ(result("pull", leb(65536)), kTotal);
}

TEST_P(GuestInputStreamsTest, AGuestWaitsForWhatComes) {
  for (const std::string_view function : {"pull", "poll"}) {
    const auto script = std::make_shared<Pieces::Script>();
    script->waits = true;
    answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
    withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
      Answered answered = function == "pull" ? call(*session, "pull", leb(1000))
                                             : call(*session, "poll", *scripted(script));
      co_await settle(shard);
      EXPECT_FALSE(answered.ready());
      script->add(leb(300) + counting(300));
      co_await settle(shard);
      script->add(leb(1) + counting(301).back() + "\0"s);
      Results results = co_await std::move(answered);
      EXPECT_TRUE(results) << results.error().describe();
      if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(301));
      EXPECT_TRUE(script->closed);
    });
  }
}

TEST_P(GuestInputStreamsTest, AStreamMayStandAmongTheValues) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "count", "\1" + leb(300) + counting(300) + leb(1000));
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(300));
  });
}

TEST_P(GuestInputStreamsTest, AGuestThatReadsNoMoreClosesTheSource) {
  script_->pieces = {leb(100) + counting(100)};
  script_->waits = true;
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results =
        co_await call(*session, "some", params(std::make_unique<Pieces>(script_), leb(40)));
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_TRUE(script_->closed);
    EXPECT_EQ(script_->reads, 1);
  });
}

TEST_P(GuestInputStreamsTest, AStreamThatBreaksOffIsAnErrorOfItsReads) {
  script_->pieces = {leb(100) + counting(50)};
  EXPECT_EQ(given("count", script_, leb(1000)), 50 + kFailed);
  EXPECT_TRUE(script_->closed);
  const auto again = std::make_shared<Pieces::Script>();
  again->pieces = {leb(100) + counting(50)};
  EXPECT_EQ(given("poll", again), 50 + kFailed);
}

TEST_P(GuestInputStreamsTest, WhatIsNoListIsAnErrorOfTheStream) {
  script_->pieces = {leb(3) + counting(3), "\xff\xff\xff\xff\xff\xff"};
  EXPECT_EQ(given("count", script_, leb(1000)), 3 + kFailed);
  EXPECT_TRUE(script_->closed);
}

TEST_P(GuestInputStreamsTest, ATrapInMidStreamClosesTheSource) {
  script_->pieces = {leb(200) + counting(200)};
  script_->waits = true;
  EXPECT_EQ(given("fail", script_), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kTrap);
  EXPECT_TRUE(script_->closed);
}

TEST_P(GuestInputStreamsTest, ParametersWithoutTheirStreamAreRefused) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "count", "\0"s + leb(10));
    EXPECT_FALSE(results);
    if (!results) EXPECT_EQ(results.error().code(), ErrorCode::kProtocol);
    // Which did the guest no harm.
    results = co_await call(*session, "count", params(std::make_unique<Counting>(7, 7), leb(10)));
    EXPECT_TRUE(results) << results.error().describe();
  });
}

TEST_P(GuestInputStreamsTest, AResultWithoutItsStreamFailsTheGuest) {
  answer_ = [&](const std::string&, wrpc::Values) -> Answered {
    wrpc::Values values;
    values.bytes.append(std::uint8_t{0});
    return Results(std::move(values));
  };
  EXPECT_EQ(result("pull", leb(1000)), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kTrap);
}

// --- what guests give away

TEST_P(GuestInputStreamsTest, AGuestGivesAStreamToAnImport) {
  Drained seen;
  answer_ = [&](const std::string& function, wrpc::Values params) -> Answered {
    EXPECT_EQ(function, "sink");
    EXPECT_EQ(asText(params.bytes.flatten()), "\0"s);
    return sizeOf(std::move(params), &seen);
  };
  EXPECT_TRUE(given("forward", std::make_unique<Counting>(3000, 700)));
  EXPECT_FALSE(seen.broken);
  EXPECT_EQ(joined(seen.content), counting(3000));
}

TEST_P(GuestInputStreamsTest, TheyStandInRecordsAndResults) {
  answer_ = [&](const std::string& function, wrpc::Values params) -> Answered {
    EXPECT_EQ(function, "put");
    EXPECT_EQ(asText(params.bytes.flatten()), "\6upload\0"s);
    auto content = params.take({0, 1});
    EXPECT_NE(content, nullptr);
    wrpc::Values results;
    results.bytes.append(asBytes("\0\0"s));
    results.channels.push_back({{0}, std::move(content)});
    return Results(std::move(results));
  };
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results =
        co_await call(*session, "relay", params(std::make_unique<Counting>(5000, 333)));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    const Drained seen = co_await drain(results->take({0}));
    EXPECT_FALSE(seen.broken);
    EXPECT_EQ(joined(seen.content), counting(5000));
  });
}

TEST_P(GuestInputStreamsTest, NothingIsReadBeforeSomebodyReads) {
  std::string content;
  for (int i = 0; i < 15; ++i) {
    script_->pieces.push_back(leb(65536) + counting(65536));
    content += counting(65536);
  }
  script_->pieces.push_back("\0"s);
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    auto source = co_await passed(*session, script_);
    if (!source) co_return;
    co_await settle(shard);
    EXPECT_EQ(script_->reads, 0);
    EXPECT_TRUE(session->inUse());
    Piece piece = co_await source->read();
    EXPECT_TRUE(piece && *piece);
    if (!piece || !*piece) co_return;
    co_await settle(shard);
    EXPECT_LE(script_->reads, 2);
    std::string lists(asText((*piece)->flatten()));
    const Drained rest = co_await drain(std::move(source));
    EXPECT_FALSE(rest.broken);
    EXPECT_LE(rest.largest_piece, 65536 + 5);
    EXPECT_TRUE(joined(lists + rest.content) == content);
    EXPECT_TRUE(script_->closed);
    EXPECT_FALSE(session->inUse());
  });
}

TEST_P(GuestInputStreamsTest, AReaderThatLeavesClosesTheSource) {
  script_->pieces = {leb(100) + counting(100)};
  script_->waits = true;
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    auto source = co_await passed(*session, script_);
    if (!source) co_return;
    const Piece piece = co_await source->read();
    EXPECT_TRUE(piece && *piece);
    EXPECT_FALSE(script_->closed);
    source.reset();
    EXPECT_TRUE(script_->closed);
    EXPECT_FALSE(session->inUse());
  });
  // Also one that never read.
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return number(7); };
  const auto unread = std::make_shared<Pieces::Script>();
  unread->waits = true;
  EXPECT_EQ(given("forward", unread), 7);
  EXPECT_TRUE(unread->closed);
  EXPECT_EQ(unread->reads, 0);
}

TEST_P(GuestInputStreamsTest, AnErrorOfAStreamBreaksItOff) {
  Drained seen;
  answer_ = [&](const std::string&, wrpc::Values params) -> Answered {
    return sizeOf(std::move(params), &seen);
  };
  script_->pieces = {leb(100) + counting(50)};
  EXPECT_TRUE(given("forward", script_));
  EXPECT_TRUE(seen.broken);
  EXPECT_EQ(seen.content, leb(50) + counting(50));
}

TEST_P(GuestInputStreamsTest, AStreamOfAGuestThatIsGoneIsBroken) {
  script_->pieces = {leb(100) + counting(100)};
  script_->waits = true;
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    const auto source = co_await passed(*session, script_);
    if (!source) co_return;
    Piece piece = co_await source->read();
    EXPECT_TRUE(piece && *piece);
    // Also for one who waits.
    std::optional<Piece> later;
    TaskSet tasks;
    tasks.spawn([](wrpc::ByteSource* from, std::optional<Piece>* to) -> Task<void> {
      to->emplace(co_await from->read());
    }(source.get(), &later));
    co_await settle(shard);
    EXPECT_FALSE(later);
    session.reset();
    EXPECT_TRUE(script_->closed);
    co_await tasks.empty();
    EXPECT_FALSE(*later);
    if (!*later) EXPECT_EQ(later->error().code(), ErrorCode::kUnavailable);
  });
}

TEST_P(GuestInputStreamsTest, OneThatIsWatchedIsNotGivenAway) {
  EXPECT_EQ(given("watched", script_), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_NE(error_->describe().find("pollable"), std::string::npos) << error_->describe();
  EXPECT_TRUE(script_->closed);
}

TEST_P(GuestInputStreamsTest, AGuestKeepsOneFromCallToCall) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "keep", *scripted(script_));
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_FALSE(script_->closed);
    script_->pieces = {leb(5) + counting(5) + "\0"s};
    results = co_await call(*session, "kept");
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    const Drained seen = co_await drain(results->take({0}));
    EXPECT_EQ(joined(seen.content), counting(5));
    // It is the guest's no more.
    results = co_await call(*session, "kept");
    EXPECT_FALSE(results);
    if (!results) EXPECT_EQ(results.error().code(), ErrorCode::kTrap);
  });
}

TEST_P(GuestInputStreamsTest, TheyCountAmongTheHandlesOfTheInstance) {
  max_handles_ = 3;
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      Results results = co_await call(*session, "keep", *scripted(script_));
      EXPECT_TRUE(results) << results.error().describe();
    }
    const Results results = co_await call(*session, "keep", *scripted(script_));
    EXPECT_FALSE(results);
  });
}

}  // namespace
}  // namespace nimbus::engine
