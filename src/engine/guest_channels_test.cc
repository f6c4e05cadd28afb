#include "engine/guest_channels.h"

#include <array>
#include <chrono>

#include "engine/test_channels.h"

namespace nimbus::engine {
namespace {

using namespace std::string_literals;

class GuestChannelsTest : public ChannelsTest {
 protected:
  [[nodiscard]] Bytes guest() const override { return streamingGuest(); }
};

// --- what guests write

TEST_F(GuestChannelsTest, AGuestWritesAStreamToAnImport) {
  Drained seen;
  answer_ = [&](const std::string& function, wrpc::Values params) -> Answered {
    EXPECT_EQ(function, "drain");
    EXPECT_EQ(asText(params.bytes.flatten()), "\0"s);
    return sizeOf(std::move(params), &seen);
  };
  EXPECT_EQ(result("push", leb(2500) + leb(1000) + "\0"s), 3000);
  EXPECT_FALSE(seen.broken);
  EXPECT_EQ(joined(seen.content), counting(3000));
}

TEST_F(GuestChannelsTest, AHundredMebibytesTakeAWindowOnly) {
  Drained seen;
  answer_ = [&](const std::string&, wrpc::Values params) -> Answered {
    return sizeOf(std::move(params), &seen);
  };
  constexpr std::uint32_t kTotal = 100U << 20U;
  const auto taken = result("push", leb(kTotal) + leb(130'000) + "\0"s);
  ASSERT_TRUE(taken);
  EXPECT_GE(*taken, kTotal);
  EXPECT_FALSE(seen.broken);
  EXPECT_GE(seen.bytes, kTotal);
  EXPECT_LE(seen.largest_piece, (64U << 10U) + 8);
}

Task<Results> readOnce(wrpc::Values params) {
  const auto source = params.take({0});
  const Piece piece = co_await source->read();
  EXPECT_TRUE(piece && *piece);
  co_return number(7);
}

TEST_F(GuestChannelsTest, AGuestHearsThatNobodyReads) {
  answer_ = [&](const std::string&, wrpc::Values params) -> Answered {
    return readOnce(std::move(params));
  };
  const auto taken = result("push", leb(50'000'000) + leb(1000) + "\0"s);
  ASSERT_TRUE(taken);
  EXPECT_GE(*taken, 1000);
  EXPECT_LE(*taken, 200'000);
  // Also before it wrote anything.
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return number(7); };
  EXPECT_EQ(result("push", leb(5000) + leb(1000) + "\0"s), 0);
}

TEST_F(GuestChannelsTest, AGuestCancelsAWrite) {
  std::optional<wrpc::Values> kept;
  Event told;
  answer_ = [&](const std::string&, wrpc::Values params) -> Answered {
    const auto wait = [](wrpc::Values values, Event* event) -> Task<Results> {
      co_await event->wait();
      const Drained seen = co_await drain(values.take({0}));
      EXPECT_FALSE(seen.broken);
      co_return number(static_cast<std::uint32_t>(joined(seen.content).size()));
    };
    return wait(std::move(params), &told);
  };
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Answered answered = call(*session, "push-cancelled");
    co_await settle(shard);
    told.set();
    Results results = co_await std::move(answered);
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(65'533));  // and a length
  });
}

TEST_F(GuestChannelsTest, AGuestWritesTextsToAnImport) {
  Drained seen;
  answer_ = [&](const std::string& function, wrpc::Values params) -> Answered {
    EXPECT_EQ(function, "collect");
    return sizeOf(std::move(params), &seen);
  };
  ASSERT_TRUE(result("push-texts", leb(1000)));
  std::string_view lists = seen.content;
  std::uint32_t texts = 0;
  while (const std::uint32_t count = fromLeb(lists)) {
    for (std::uint32_t i = 0; i < count; ++i, ++texts) {
      const std::uint32_t size = fromLeb(lists);
      ASSERT_EQ(size, texts % 13);
      ASSERT_EQ(lists.substr(0, size), std::string_view("lovely words").substr(0, size));
      lists.remove_prefix(size);
    }
  }
  EXPECT_EQ(texts, 1000);
  EXPECT_TRUE(lists.empty());
}

// --- what guests read

TEST_F(GuestChannelsTest, AGuestReadsAStreamOfAResult) {
  for (const std::size_t chunk : std::array<std::size_t, 4>{1, 77, 1000, 100'000}) {
    answer_ = [&](const std::string& function, wrpc::Values) -> Answered {
      EXPECT_EQ(function, "source");
      return oneChannel(std::make_unique<Counting>(5000, chunk));
    };
    EXPECT_EQ(result("pull", leb(~0U) + leb(300)), 5000);
  }
}

TEST_F(GuestChannelsTest, AGuestReadsAHundredMebibytes) {
  constexpr std::uint32_t kTotal = 100U << 20U;
  answer_ = [&](const std::string&, wrpc::Values) -> Answered {
    return oneChannel(std::make_unique<Counting>(kTotal, 65536));
  };
  EXPECT_EQ(result("pull", leb(~0U) + leb(65536)), kTotal);
}

TEST_F(GuestChannelsTest, ListsMayComeInAnyPieces) {
  const auto script = std::make_shared<Pieces::Script>();
  const std::string lists = leb(200) + counting(200) + leb(1) + "\xc8" + "\0"s;
  for (const char byte : lists) script->pieces.emplace_back(1, byte);
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  EXPECT_EQ(result("pull", leb(~0U) + leb(1000)), 201);
}

// Both pieces, and the end, are there before the guest goes on.
TEST_F(GuestChannelsTest, NothingIsLostOfWhatComesWhileAGuestWaits) {
  const auto script = std::make_shared<Pieces::Script>();
  script->waits = true;
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Answered answered = call(*session, "pull", leb(~0U) + leb(1000));
    co_await settle(shard);
    script->add(leb(300) + counting(300));
    script->waits = false;
    script->add(leb(1) + counting(301).back() + "\0"s);
    Results results = co_await std::move(answered);
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(301));
  });
}

TEST_F(GuestChannelsTest, AStreamMayStandAmongTheValues) {
  answer_ = [&](const std::string&, wrpc::Values) -> Answered {
    wrpc::Values values;
    values.bytes.append(asBytes("\1" + leb(300) + counting(300)));
    return Results(std::move(values));
  };
  EXPECT_EQ(result("pull", leb(~0U) + leb(1000)), 300);
}

TEST_F(GuestChannelsTest, AnEmptyStreamMayStandAmongTheValues) {
  answer_ = [&](const std::string&, wrpc::Values) -> Answered {
    wrpc::Values values;
    values.bytes.append(asBytes("\1\0"s));
    return Results(std::move(values));
  };
  EXPECT_EQ(result("pull", leb(~0U) + leb(1000)), 0);
}

TEST_F(GuestChannelsTest, AGuestThatReadsNoMoreClosesTheSource) {
  const auto script = std::make_shared<Pieces::Script>();
  script->pieces = {leb(100) + counting(100)};
  script->waits = true;
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "pull", leb(40) + leb(40));
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_TRUE(script->closed);
    EXPECT_EQ(script->reads, 1);
  });
}

TEST_F(GuestChannelsTest, AStreamThatBreaksOffFailsTheGuest) {
  const auto script = std::make_shared<Pieces::Script>();
  script->pieces = {leb(100) + counting(50)};
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  EXPECT_EQ(result("pull", leb(~0U) + leb(1000)), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kTrap);
  EXPECT_TRUE(script->closed);
}

TEST_F(GuestChannelsTest, AResultWithoutItsStreamFailsTheGuest) {
  answer_ = [&](const std::string&, wrpc::Values) -> Answered {
    wrpc::Values values;
    values.bytes.append(std::uint8_t{0});
    return Results(std::move(values));
  };
  EXPECT_EQ(result("pull", leb(~0U) + leb(1000)), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kTrap);
}

TEST_F(GuestChannelsTest, AGuestCancelsAReadAndReadsNothing) {
  const auto script = std::make_shared<Pieces::Script>();
  script->waits = true;
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Answered answered = call(*session, "pull-cancelled");
    co_await settle(shard);
    script->add(leb(2000) + counting(2000) + "\0"s);
    Results results = co_await std::move(answered);
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(2000));
  });
}

TEST_F(GuestChannelsTest, AGuestReadsTexts) {
  const auto script = std::make_shared<Pieces::Script>();
  std::string lists = leb(2) + leb(5) + "hello" + leb(0) + leb(200);
  for (int i = 0; i < 200; ++i) lists += leb(300) + std::string(300, 'x');
  lists += "\0"s;
  for (std::size_t at = 0; at < lists.size(); at += 1111) {
    script->pieces.push_back(lists.substr(at, 1111));
  }
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  EXPECT_EQ(result("pull-texts"), 60'005);
}

TEST_F(GuestChannelsTest, TextsThatAreNoneFailTheGuest) {
  const auto script = std::make_shared<Pieces::Script>();
  script->pieces = {"\x01\x02\xff\xff"s};
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  EXPECT_EQ(result("pull-texts"), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kTrap);
}

// --- futures

TEST_F(GuestChannelsTest, FuturesCrossInBothDirections) {
  const auto script = std::make_shared<Pieces::Script>();
  script->waits = true;
  Drained told;
  answer_ = [&](const std::string& function, wrpc::Values params) -> Answered {
    if (function == "tell") return sizeOf(std::move(params), &told);
    return scripted(script);
  };
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Answered answered = call(*session, "futures", leb(300));
    co_await settle(shard);
    script->add(leb(1000));
    Results results = co_await std::move(answered);
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(1002));  // 300 takes two bytes
    EXPECT_TRUE(script->closed);
  });
  EXPECT_EQ(told.content, leb(300));
  EXPECT_FALSE(told.broken);
}

TEST_F(GuestChannelsTest, AFutureThatNeverComesEndsWithTheCallsTime) {
  const auto script = std::make_shared<Pieces::Script>();
  script->waits = true;
  answer_ = [&](const std::string& function, wrpc::Values) -> Answered {
    if (function == "tell") return number(1);
    return scripted(script);
  };
  limit_ = std::chrono::milliseconds(50);
  EXPECT_EQ(result("futures", leb(1)), std::nullopt);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code(), ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(script->closed);
}

TEST_F(GuestChannelsTest, AGuestNeedNotReadAFuture) {
  const auto script = std::make_shared<Pieces::Script>();
  script->waits = true;
  answer_ = [&](const std::string&, wrpc::Values) -> Answered { return scripted(script); };
  EXPECT_EQ(result("ignore-promise"), std::nullopt);
  EXPECT_FALSE(error_);
  EXPECT_TRUE(script->closed);
}

// --- exports

TEST_F(GuestChannelsTest, AnExportTakesAStream) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results =
        co_await call(*session, "take", *oneChannel(std::make_unique<Counting>(100'000, 777)));
    EXPECT_TRUE(results) << results.error().describe();
    if (results) EXPECT_EQ(asText(results->bytes.flatten()), leb(100'000));
    results = co_await call(*session, "take", "\0"s);
    EXPECT_FALSE(results);
    if (!results) EXPECT_EQ(results.error().code(), ErrorCode::kProtocol);
    // Which did the guest no harm.
    results = co_await call(*session, "left");
    EXPECT_TRUE(results);
  });
}

TEST_F(GuestChannelsTest, AnExportGivesAStreamThatGoesOnAfterTheCall) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "give", leb(512'000));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    EXPECT_EQ(asText(results->bytes.flatten()), "\0"s);
    EXPECT_TRUE(session->inUse());
    const Drained seen = co_await drain(results->take({0}));
    EXPECT_FALSE(seen.broken);
    EXPECT_TRUE(joined(seen.content) == counting(512'000));
    EXPECT_FALSE(session->inUse());
  });
}

TEST_F(GuestChannelsTest, AGuestWaitsForWhoReadsItsResult) {
  withGuest([&](net::Shard& shard, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "give", leb(512'000));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    co_await settle(shard);
    Results left = co_await call(*session, "left");
    EXPECT_TRUE(left);
    if (left) {
      std::string_view bytes = asText(left->bytes.flatten());
      const std::uint32_t unwritten = fromLeb(bytes);
      EXPECT_GE(unwritten, 512'000 - 65'536);
      EXPECT_LT(unwritten, 512'000);
    }
    results->channels.clear();  // nobody reads
    co_await settle(shard);
    left = co_await call(*session, "left");
    EXPECT_TRUE(left);
    if (left) EXPECT_EQ(asText(left->bytes.flatten()), "\0"s);
    EXPECT_FALSE(session->inUse());
  });
}

TEST_F(GuestChannelsTest, AStreamOfAGuestThatIsGoneIsBroken) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    Results results = co_await call(*session, "give", leb(512'000));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    const auto source = results->take({0});
    session.reset();
    Piece piece = co_await source->read();
    EXPECT_TRUE(piece && *piece);  // what was there
    piece = co_await source->read();
    EXPECT_FALSE(piece);
    if (!piece) EXPECT_EQ(piece.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(GuestChannelsTest, AnExportTakesAndGivesFutures) {
  withGuest([&](net::Shard&, std::unique_ptr<wrpc::Session>& session) -> Task<void> {
    const auto script = std::make_shared<Pieces::Script>();
    script->pieces = {leb(21)};
    Results results = co_await call(*session, "double", *scripted(script));
    EXPECT_TRUE(results) << results.error().describe();
    if (!results) co_return;
    const Drained seen = co_await drain(results->take({0}));
    EXPECT_EQ(seen.content, leb(42));
    EXPECT_FALSE(seen.broken);
  });
}

}  // namespace
}  // namespace nimbus::engine
