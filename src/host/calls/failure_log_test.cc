#include "host/calls/failure_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "host/calls/guest_lines.h"
#include "host/calls/held_back.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;

// Each record as "message key=value …".
class FakeLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string& record = records.emplace_back(message);
    for (const LogField& field : fields) {
      record += " " + std::string(field.key) + "=" + field.value;
    }
  }
  std::vector<std::string> records;
};

class ComponentLogTest : public ::testing::Test {
 protected:
  FakeLogger logger_;
  FakeClock clock_;
  ComponentLog log_{{"default/shop", "web", 7}, logger_, clock_};
};

TEST_F(ComponentLogTest, AFailureSaysWhoAndWhy) {
  log_.failure({CallOutcome::Kind::kTrap, 0, "unreachable"});
  ASSERT_EQ(logger_.records.size(), 1);
  EXPECT_EQ(logger_.records[0],
            "a call failed workload=default/shop component=web generation=7 outcome=trap "
            "reason=unreachable suppressed=0");
}

TEST_F(ComponentLogTest, AnExitComesWithItsStatus) {
  log_.failure({CallOutcome::Kind::kExit, 3, "the guest called exit"});
  EXPECT_NE(logger_.records.at(0).find("reason=the guest called exit with status 3"),
            std::string::npos);
}

TEST_F(ComponentLogTest, AGuestCannotMakeALongRecord) {
  log_.failure({CallOutcome::Kind::kTrap, 0, std::string(1 << 20, 'x')});
  EXPECT_LT(logger_.records.at(0).size(), 9 * 1024);
}

TEST_F(ComponentLogTest, NorCanItByWhatItWantsOrGets) {
  const std::string lengthy(20 << 20, 'x');
  log_.denied("not_permitted: " + lengthy);
  log_.refused(lengthy);
  log_.connectionReset(lengthy);
  log_.note(LogLevel::kWarn, "ended an instance", lengthy);
  log_.record(LogLevel::kInfo, "info", lengthy, lengthy);
  ASSERT_EQ(logger_.records.size(), 5);
  EXPECT_TRUE(
      logger_.records[0].starts_with("denied workload=default/shop component=web "
                                     "detail=not_permitted: xxx"));
  for (const std::string& record : logger_.records) EXPECT_LT(record.size(), 17 * 1024);
}

TEST_F(ComponentLogTest, FailuresBeyondTheRateAreCountedInTheNextRecord) {
  for (int i = 0; i < 50; ++i) log_.failure({CallOutcome::Kind::kTrap, 0, "x"});
  EXPECT_EQ(logger_.records.size(), 20);
  clock_.advance(std::chrono::seconds(1));
  log_.failure({CallOutcome::Kind::kTrap, 0, "x"});
  ASSERT_EQ(logger_.records.size(), 21);
  EXPECT_TRUE(logger_.records.back().ends_with("suppressed=30"));
}

TEST_F(ComponentLogTest, RefusalsAreToldOnceASecondAndLeaveRoomForFailures) {
  for (int i = 0; i < 50; ++i) log_.refused("too many requests wait for an instance");
  log_.failure({CallOutcome::Kind::kTrap, 0, "x"});
  ASSERT_EQ(logger_.records.size(), 2);
  EXPECT_EQ(logger_.records[0],
            "a call was refused workload=default/shop component=web generation=7 "
            "reason=too many requests wait for an instance suppressed=0");
  clock_.advance(std::chrono::seconds(1));
  log_.refused("no instance became free in time");
  EXPECT_TRUE(logger_.records.back().ends_with("in time suppressed=49")) << logger_.records.back();
}

TEST_F(ComponentLogTest, WhatIsHeldBackIsToldLaterByItself) {
  auto shards = *net::ShardGroup::start(1);
  const auto held_back = std::make_shared<HeldBack>((*shards)[0], std::chrono::milliseconds(20));
  auto log = std::make_shared<ComponentLog>(ComponentIdentity{"default/shop", "web", 7}, logger_,
                                            clock_, held_back);
  shards->runOn(0, [&](net::Shard&) {
    for (int i = 0; i < 50; ++i) log->failure({CallOutcome::Kind::kTrap, 0, "x"});
    for (int i = 0; i < 201; ++i) log->line(1, "spam");
    log.reset();  // it need not live longer than what it is about
  });
  shards->runTask(0, [&](net::Shard& shard) -> Task<void> {
    while (logger_.records.size() < 222) co_await shard.sleepFor(std::chrono::milliseconds(1));
  });
  EXPECT_EQ(logger_.records[220],
            "failures were not logged: too many a second workload=default/shop component=web "
            "detail=30");
  EXPECT_EQ(logger_.records[221],
            "guest output was dropped: too many lines a second workload=default/shop "
            "component=web detail=1");
  shards->runOn(0, [&](net::Shard&) { held_back->stop(); });
}

TEST_F(ComponentLogTest, WhatIsStillHeldBackIsToldAtTheEnd) {
  auto shards = *net::ShardGroup::start(1);
  const auto held_back = std::make_shared<HeldBack>((*shards)[0], std::chrono::hours(1));
  const auto log = std::make_shared<ComponentLog>(ComponentIdentity{"default/shop", "web", 7},
                                                  logger_, clock_, held_back);
  for (int i = 0; i < 3; ++i) log->refused("no room");
  shards->runOn(0, [&](net::Shard&) { held_back->stop(); });
  EXPECT_EQ(logger_.records.back(),
            "refusals were not logged: too many a second workload=default/shop component=web "
            "detail=2");
  log->refused("no room");
  EXPECT_EQ(logger_.records.size(), 2U);
}

TEST_F(ComponentLogTest, LinesNameTheirStream) {
  log_.line(1, "hello");
  log_.line(2, "oops");
  EXPECT_EQ(logger_.records.at(0), "hello workload=default/shop component=web stream=stdout");
  EXPECT_EQ(logger_.records.at(1), "oops workload=default/shop component=web stream=stderr");
}

TEST_F(ComponentLogTest, TooManyLinesAreDroppedAndSaid) {
  for (int i = 0; i < 1000; ++i) log_.line(1, "spam");
  EXPECT_EQ(logger_.records.size(), 200);
  clock_.advance(std::chrono::seconds(1));
  log_.line(1, "next");
  ASSERT_EQ(logger_.records.size(), 202);
  EXPECT_TRUE(logger_.records.back().ends_with("detail=800")) << logger_.records.back();
}

class FakeGuestLines final : public GuestLines {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override { ++records; }
  void print(int stream, std::string_view line) override {
    lines.push_back(std::to_string(stream) + " " + std::string(line));
  }
  std::vector<std::string> lines;
  int records = 0;
};

TEST(GuestLines, GetAllLinesAndNoRecordsAboutThem) {
  FakeGuestLines lines;
  const FakeClock clock;
  ComponentLog log({"shop/cart", "web", 1}, lines, clock);
  for (int i = 0; i < 1000; ++i) log.line(1, "much");
  log.line(2, "oops");
  EXPECT_EQ(lines.lines.size(), 1001);
  EXPECT_EQ(lines.lines.back(), "2 oops");
  EXPECT_EQ(lines.records, 0);
  log.failure({CallOutcome::Kind::kTrap, 0, "unreachable"});
  EXPECT_EQ(lines.records, 1);
}

TEST_F(ComponentLogTest, ConnectionsThatAreResetAreToldAtARate) {
  for (int i = 0; i < 100; ++i) log_.connectionReset("127.0.0.1:80: nobody listened");
  EXPECT_EQ(logger_.records.size(), 20);
}

TEST_F(ComponentLogTest, DenialsHaveARateOfTheirOwn) {
  for (int i = 0; i < 100; ++i) log_.denied("10.0.0.1:80");
  EXPECT_EQ(logger_.records.size(), 20);
  log_.failure({CallOutcome::Kind::kTrap, 0, "x"});
  EXPECT_EQ(logger_.records.size(), 21);
}

}  // namespace
}  // namespace nimbus::host
