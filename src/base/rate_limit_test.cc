#include "base/rate_limit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nimbus {
namespace {

TEST(RateLimit, PassesSoManyInASecond) {
  FakeClock clock;
  RateLimit limit(clock, 2);
  EXPECT_TRUE(limit.pass());
  EXPECT_TRUE(limit.pass());
  EXPECT_FALSE(limit.pass());
  EXPECT_FALSE(limit.pass());
  EXPECT_EQ(limit.takeSuppressed(), 2U);
  EXPECT_EQ(limit.takeSuppressed(), 0U);
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(limit.pass());
}

class Records final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const override { return level >= LogLevel::kInfo; }
  void write(LogLevel /*level*/, std::string_view message,
             std::initializer_list<LogField> /*fields*/) override {
    all.emplace_back(message);
  }
  std::vector<std::string> all;
};

TEST(LimitedLogger, HoldsBackWhatIsTooMuch) {
  Records records;
  LimitedLogger log(records, 3);
  EXPECT_FALSE(log.enabled(LogLevel::kDebug));
  for (int i = 0; i < 1000; ++i) log.warn("again");
  EXPECT_GE(records.all.size(), 3U);
  EXPECT_LE(records.all.size(), 50U) << "a few seconds' worth at most";
  EXPECT_EQ(records.all.front(), "again");
}

}  // namespace
}  // namespace nimbus
