#include "capability/logging/logging.h"

#include "net/test_support.h"
#include "wasi/logging/logging.h"

namespace nimbus::logging {
namespace {

class Recorder final : public Sink {
 public:
  void record(const wrpc::Consumer& from, Level level, std::string_view context,
              std::string_view message) override {
    seen.push_back(from.component + " " + std::to_string(static_cast<int>(level)) + " [" +
                   std::string(context) + "] " + std::string(message));
  }
  std::vector<std::string> seen;
};

class LoggingTest : public net::ShardTest {};

TEST_F(LoggingTest, ARecordArrivesWithItsWriterLevelAndContext) {
  namespace contract_logging = contract::wasi::logging::logging;
  const auto recorder = std::make_shared<Recorder>();
  const auto invoker = serveLogging(recorder);
  run([&](net::Shard& shard) -> Task<void> {
    auto consumer = std::make_shared<wrpc::Consumer>();
    consumer->component = "web";
    const auto session = invoker->open(shard, consumer);
    auto client = contract_logging::Client::connect(*invoker, *session);
    const wrpc::CallContext context{*consumer, {}, {}};
    EXPECT_TRUE(co_await (*client)->log(context, contract_logging::Level::kTrace, "", "a"));
    EXPECT_TRUE(co_await (*client)->log(context, contract_logging::Level::kCritical, "db", "b"));
  });
  EXPECT_EQ(recorder->seen, (std::vector<std::string>{"web 0 [] a", "web 5 [db] b"}));
}

}  // namespace
}  // namespace nimbus::logging
