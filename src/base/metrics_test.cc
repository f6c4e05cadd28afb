#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus {
namespace {

using testing::HasSubstr;

TEST(MetricRegistry, PrintsFamiliesInPrometheusText) {
  MetricRegistry registry;
  registry.counter("requests_total", "Requests", {{"status", "200"}})->add(3);
  registry.gauge("instances", "Instances\nat once")->set(-2);
  EXPECT_EQ(registry.renderPrometheus(),
            "# HELP instances Instances\\nat once\n"
            "# TYPE instances gauge\n"
            "instances -2\n"
            "# HELP requests_total Requests\n"
            "# TYPE requests_total counter\n"
            "requests_total{status=\"200\"} 3\n");
}

TEST(MetricRegistry, SameNameAndLabelsGiveTheSameObject) {
  MetricRegistry registry;
  const auto first = registry.counter("c", "", {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(first, registry.counter("c", "", {{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(first, registry.counter("c", "", {{"a", "2"}, {"b", "1"}}));
}

TEST(MetricRegistry, LabelValuesAreEscaped) {
  MetricRegistry registry;
  registry.counter("c", "", {{"path", "a\"b\\c\nd"}});
  EXPECT_THAT(registry.renderPrometheus(), HasSubstr("c{path=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

TEST(MetricRegistry, LabelsThatOnlyLookAlikeAreDistinct) {
  MetricRegistry registry;
  EXPECT_NE(registry.counter("c", "", {{"a", "1\",b=\"2"}}),
            registry.counter("c", "", {{"a", "1"}, {"b", "2"}}));
}

TEST(MetricRegistryDeathTest, OneNameHasOneKind) {
  MetricRegistry registry;
  registry.counter("c", "");
  EXPECT_DEATH(registry.gauge("c", ""), "check failed");
}

TEST(MetricRegistryDeathTest, NamesMustBeLegal) {
  MetricRegistry registry;
  EXPECT_DEATH(registry.gauge("has-dash", ""), "check failed");
}

TEST(Histogram, CountsInCumulativeBuckets) {
  Histogram histogram;
  histogram.observe(0.0001);  // a bound belongs to its bucket
  histogram.observe(0.002);
  histogram.observe(1000);
  EXPECT_EQ(histogram.bucket(0), 1U);
  EXPECT_EQ(histogram.bucket(4), 2U);
  EXPECT_EQ(histogram.bucket(Histogram::kBoundsSeconds.size() - 1), 2U);
  EXPECT_EQ(histogram.bucket(Histogram::kBoundsSeconds.size()), 3U);
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_DOUBLE_EQ(histogram.sumSeconds(), 1000.0021);
}

TEST(Histogram, NegativeAndUndefinedDurationsCountAsZero) {
  Histogram histogram;
  histogram.observe(-1);
  histogram.observe(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(histogram.bucket(0), 2U);
  EXPECT_EQ(histogram.sumSeconds(), 0);
}

TEST(Histogram, IsPrintedWithBucketsSumAndCount) {
  MetricRegistry registry;
  registry.histogram("d_seconds", "Duration", {{"w", "a"}})->observe(0.5);
  const std::string text = registry.renderPrometheus();
  EXPECT_THAT(text, HasSubstr("d_seconds_bucket{w=\"a\",le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("d_seconds_bucket{w=\"a\",le=\"0.5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("d_seconds_bucket{w=\"a\",le=\"+Inf\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("d_seconds_sum{w=\"a\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("d_seconds_count{w=\"a\"} 1\n"));
}

}  // namespace
}  // namespace nimbus
