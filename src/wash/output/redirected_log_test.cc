#include "wash/output/redirected_log.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using testing::EndsWith;
using testing::IsEmpty;

class RedirectedLogTest : public testing::Test {
 protected:
  std::unique_ptr<Logger> logTo(std::string& text) {
    return makeLogger([&text](std::string_view line) { text += line; }, LogLevel::kWarn,
                      LogFormat::kText, clock_);
  }

  SystemClock clock_;
  std::string own_;
  std::string elsewhere_;
  RedirectedLog log_{logTo(own_)};
};

TEST_F(RedirectedLogTest, RecordsGoElsewhereForAsLongAsThatIsWanted) {
  const auto elsewhere = logTo(elsewhere_);
  {
    const RedirectedLog::Redirection redirection(log_, *elsewhere);
    log_.warn("one", {{"key", "value"}});
    EXPECT_THAT(elsewhere_, EndsWith("one key=value\n"));
    EXPECT_THAT(own_, IsEmpty());
  }
  elsewhere_.clear();
  log_.warn("two");
  EXPECT_THAT(own_, EndsWith("two\n"));
  EXPECT_THAT(elsewhere_, IsEmpty());
}

TEST_F(RedirectedLogTest, ItsOwnLevelCounts) {
  const auto elsewhere = makeLogger([this](std::string_view line) { elsewhere_ += line; },
                                    LogLevel::kTrace, LogFormat::kText, clock_);
  const RedirectedLog::Redirection redirection(log_, *elsewhere);
  log_.info("nothing");
  EXPECT_FALSE(log_.enabled(LogLevel::kInfo));
  EXPECT_THAT(elsewhere_, IsEmpty());
}

}  // namespace
}  // namespace nimbus::wash
