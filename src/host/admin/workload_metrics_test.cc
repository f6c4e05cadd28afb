#include "host/admin/workload_metrics.h"

#include <deque>

#include <gmock/gmock.h>

#include "host/control/workload_manager_fixture.h"
#include "host/egress/denial_counts.h"
#include "host/http_test_support.h"

namespace nimbus::host {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class WorkloadMetricsTest : public ShardTest {};

Task<std::string> scrape(net::Shard& shard, ManagerRig& rig, MetricDetail detail) {
  FakeResponse response;
  EXPECT_TRUE(co_await writeWorkloadMetrics(shard, *rig.manager, detail, response));
  co_return std::move(response.told);
}

TEST_F(WorkloadMetricsTest, ComponentsAreTheirOwnSeriesUnlessThatIsSwitchedOff) {
  run([](net::Shard& shard) -> Task<void> {
    ManagerRig rig(shard);
    co_await rig.apply(makeSpec("a"));
    co_await rig.apply(makeSpec("b"));
    const std::string each = co_await scrape(shard, rig, MetricDetail::kByComponent);
    for (const char* name : {"a", "b"})
      EXPECT_THAT(each, HasSubstr("nimbus_calls_total{workload=\"default/" + std::string(name) +
                                  "\",component=\"web\"} 0\n"));
    EXPECT_THAT(each, HasSubstr("# TYPE nimbus_calls_failed_total counter\n"));
    const std::string totals = co_await scrape(shard, rig, MetricDetail::kTotals);
    EXPECT_THAT(totals, HasSubstr("\nnimbus_instances 0\n"));
    EXPECT_THAT(totals, Not(HasSubstr("workload=")));
  });
}

TEST_F(WorkloadMetricsTest, ServicesAreCountedByState) {
  run([](net::Shard& shard) -> Task<void> {
    ManagerRig rig(shard);
    WorkloadSpec spec = makeSpec("a");
    spec.service.emplace().component.name = "watch";
    co_await rig.apply(spec);
    rig.runtime.serviceDoes({.state = ServiceState::kRunning, .restarts = 7});
    const std::string each = co_await scrape(shard, rig, MetricDetail::kByComponent);
    EXPECT_THAT(each, HasSubstr("nimbus_services{state=\"Running\"} 1\n"));
    EXPECT_THAT(each, HasSubstr("nimbus_services{state=\"Failed\"} 0\n"));
    EXPECT_THAT(each, HasSubstr("nimbus_service_restarts_total{workload=\"default/a\","
                                "component=\"watch\"} 7\n"));
    EXPECT_THAT(each, HasSubstr("nimbus_service_running{workload=\"default/a\","
                                "component=\"watch\"} 1\n"));
    const std::string totals = co_await scrape(shard, rig, MetricDetail::kTotals);
    EXPECT_THAT(totals, HasSubstr("nimbus_services{state=\"Running\"} 1\n"));
    EXPECT_THAT(totals, Not(HasSubstr("workload=")));
  });
}

// Counts turns of the loop.
struct TurnCounter final : net::Deferred {
  explicit TurnCounter(net::Shard& on) : shard(on) { shard.defer(*this); }
  void runDeferred() override {
    ++turns;
    shard.defer(*this);
  }
  net::Shard& shard;
  std::size_t turns = 0;
};

TEST_F(WorkloadMetricsTest, OthersGetTheirTurnWhileManyWorkloadsAreWritten) {
  run([](net::Shard& shard) -> Task<void> {
    ManagerRig rig(shard);
    for (int i = 0; i < 2000; ++i) co_await rig.apply(makeSpec("w" + std::to_string(i)));
    const TurnCounter counter(shard);
    const std::string each = co_await scrape(shard, rig, MetricDetail::kByComponent);
    EXPECT_THAT(each, HasSubstr("nimbus_component_calls_queued{workload=\"default/w1999\","));
    // Twenty to gather them, and one for each piece of text.
    EXPECT_GE(counter.turns, 20 + each.size() / (33 * 1024));
  });
}

TEST_F(WorkloadMetricsTest, AScrapeEndsWithItsClient) {
  run([](net::Shard& shard) -> Task<void> {
    ManagerRig rig(shard);
    for (int i = 0; i < 500; ++i) co_await rig.apply(makeSpec("w" + std::to_string(i)));
    FakeResponse response;
    response.gone = true;
    EXPECT_FALSE(
        co_await writeWorkloadMetrics(shard, *rig.manager, MetricDetail::kByComponent, response));
    const MetricWriter more([](http::ResponseWriter&) -> Task<Result<void>> {
      ADD_FAILURE() << "nobody would read it";
      co_return Result<void>();
    });
    co_await sendMetrics(response, rig.metrics, more);
    EXPECT_EQ(response.told, "200");
  });
}

TEST_F(WorkloadMetricsTest, OneScrapeMoreThanThereMayBeIsToldToComeAgain) {
  run([](net::Shard&) -> Task<void> {
    const MetricRegistry metrics;
    const MetricWriter more(
        [](http::ResponseWriter& response) { return response.write(Bytes::ofStatic("more")); });
    std::deque<FakeResponse> slow(MetricWriter::kMostScrapes);
    TaskSet scrapes;
    for (FakeResponse& response : slow) {
      response.hold = true;
      scrapes.spawn(sendMetrics(response, metrics, more));
    }
    FakeResponse refused;
    co_await sendMetrics(refused, metrics, more);
    EXPECT_THAT(refused.told, StartsWith("503 "));
    EXPECT_THAT(refused.told, HasSubstr(" retry-after 1 "));
    FakeResponse elsewhere;
    co_await sendMetrics(elsewhere, metrics, MetricWriter(more));
    EXPECT_THAT(elsewhere.told, EndsWith("{more} end"));

    slow.front().hold = false;
    slow.front().let_go.set();
    EXPECT_THAT(slow.front().told, EndsWith("{more} end"));
    EXPECT_FALSE(more.full());
    FakeResponse answered;
    co_await sendMetrics(answered, metrics, more);
    EXPECT_THAT(answered.told, EndsWith("{more} end"));
  });
}

TEST_F(WorkloadMetricsTest, AScrapeWhoseClientHasGoneCountsNoMore) {
  run([](net::Shard&) -> Task<void> {
    const MetricRegistry metrics;
    const MetricWriter more;
    std::deque<FakeResponse> slow(MetricWriter::kMostScrapes);
    TaskSet scrapes;
    for (FakeResponse& response : slow) {
      response.hold = true;
      scrapes.spawn(sendMetrics(response, metrics, more));
    }
    EXPECT_TRUE(more.full());
    scrapes.cancelAll();
    co_await scrapes.empty();
    EXPECT_FALSE(more.full());
  });
}

TEST(DenialCounts, AreKeptByReason) {
  const auto before = denialCounts();
  countDenial("blocked_range: 10.0.0.1 lies in 10.0.0.0/8");
  countDenial("something else");
  const auto after = denialCounts();
  for (std::size_t i = 0; i < after.size(); ++i) {
    const bool counted = after[i].first == "blocked_range" || after[i].first == "other";
    EXPECT_EQ(after[i].second, before[i].second + (counted ? 1 : 0)) << after[i].first;
  }
}

}  // namespace
}  // namespace nimbus::host
