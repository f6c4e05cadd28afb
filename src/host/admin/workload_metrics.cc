#include "host/admin/workload_metrics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "host/admin/admin_json.h"
#include "host/egress/denial_counts.h"
#include "net/give_way.h"

namespace nimbus::host {
namespace {

// What is done at a time: some tenths of a millisecond.
constexpr std::size_t kMostGathered = 200;  // components, but for those of one more workload
constexpr std::size_t kPieceBytes = 32 * 1024;

constexpr std::array kServiceStates = {ServiceState::kStarting, ServiceState::kRunning,
                                       ServiceState::kRestarting, ServiceState::kCompleted,
                                       ServiceState::kFailed};

struct Counts {
  std::uint64_t instances = 0;
  std::uint64_t calls_in_flight = 0;
  std::uint64_t calls_queued = 0;
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
};

struct ServiceCounts {
  ServiceState state;
  std::uint64_t restarts;
};

// Names of workloads and components are DNS labels: nothing in them needs escaping.
struct Series {
  std::string labels;  // workload and component
  Counts counts;
  std::optional<ServiceCounts> service;  // of a workload's service
};

Series seriesOf(const std::string& workload, const ComponentStatus& component) {
  return {fmt::format("workload=\"{}\",component=\"{}\"", workload, component.name),
          {component.instances, component.calls_in_flight, component.calls_queued,
           component.calls_total, component.failures_total},
          std::nullopt};
}

void appendSeries(std::vector<Series>& all, const WorkloadStatus& workload) {
  const std::string id = workload.spec->id();
  for (const ComponentStatus& component : workload.components)
    all.push_back(seriesOf(id, component));
  if (!workload.service) return;
  all.push_back(seriesOf(id, workload.service->component));
  all.back().service = {workload.service->progress.state, workload.service->progress.restarts};
}

Task<std::vector<Series>> gather(net::Shard& shard, const WorkloadManager& manager) {
  std::vector<Series> all;
  std::string after;
  std::size_t gathered = 0;
  while (true) {
    const auto next = manager.list(after, 1);
    if (next.empty()) co_return all;
    after = next.front().spec->id();
    const auto workload = manager.get(after);
    if (!workload) continue;
    const std::size_t before = all.size();
    appendSeries(all, *workload);
    gathered += all.size() - before + 1;
    if (gathered < kMostGathered) continue;
    gathered = 0;
    co_await net::GiveWay(shard);
  }
}

// Text on its way to a response, a piece at a time.
class Writer {
 public:
  Writer(net::Shard& shard, http::ResponseWriter& response) : shard_(shard), response_(response) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(end(), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(std::string_view labels, std::uint64_t value) {
    if (labels.empty()) {
      fmt::format_to(end(), "{} {}\n", name_, value);
    } else {
      fmt::format_to(end(), "{}{{{}}} {}\n", name_, labels, value);
    }
  }
  // A sample of each series of which `value` gives one.
  template <typename Value>
  Task<Result<void>> samples(const std::vector<Series>& all, Value value) {
    for (const Series& series : all) {
      if (const std::optional<std::uint64_t> found = value(series)) sample(series.labels, *found);
      if (text_.size() >= kPieceBytes) CO_TRY_VOID(co_await flush());
    }
    co_return Result<void>();
  }
  Task<Result<void>> flush() {
    CO_TRY_VOID(co_await response_.write(Bytes::take(std::exchange(text_, {}))));
    co_await net::GiveWay(shard_);
    co_return Result<void>();
  }

 private:
  std::back_insert_iterator<std::string> end() { return std::back_inserter(text_); }

  net::Shard& shard_;
  http::ResponseWriter& response_;
  std::string text_;
  std::string_view name_;
};

using Count = std::uint64_t Counts::*;

struct CountFamily {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  Count count;
};

constexpr std::array<CountFamily, 3> kTotals = {{
    {"nimbus_instances", "gauge", "Instances alive.", &Counts::instances},
    {"nimbus_calls_in_flight", "gauge", "Calls that instances work at.", &Counts::calls_in_flight},
    {"nimbus_calls_queued", "gauge", "Calls that wait for an instance.", &Counts::calls_queued},
}};

constexpr std::array<CountFamily, 5> kByComponent = {{
    {"nimbus_calls_total", "counter", "Calls of a component that have begun.", &Counts::calls},
    {"nimbus_calls_failed_total", "counter", "Those of them that failed.", &Counts::failures},
    {"nimbus_component_instances", "gauge", "Instances alive, by component.", &Counts::instances},
    {"nimbus_component_calls_in_flight", "gauge", "Calls at work, by component.",
     &Counts::calls_in_flight},
    {"nimbus_component_calls_queued", "gauge", "Calls that wait, by component.",
     &Counts::calls_queued},
}};

void writeTotals(Writer& out, const std::vector<Series>& all) {
  for (const CountFamily& family : kTotals) {
    out.family(family.name, family.type, family.help);
    std::uint64_t total = 0;
    for (const Series& series : all) total += series.counts.*family.count;
    out.sample("", total);
  }
  std::array<std::uint64_t, kServiceStates.size()> services{};
  for (const Series& series : all)
    if (series.service) services[static_cast<std::size_t>(series.service->state)] += 1;
  out.family("nimbus_services", "gauge", "Services of workloads by state.");
  for (const ServiceState state : kServiceStates)
    out.sample(fmt::format("state=\"{}\"", serviceStateName(state)),
               services[static_cast<std::size_t>(state)]);
  out.family("nimbus_egress_denied_total", "counter", "What guests wanted and may not, by reason.");
  for (const auto& [reason, count] : denialCounts())
    out.sample(fmt::format("reason=\"{}\"", reason), count);
}

Task<Result<void>> writeServices(Writer& out, const std::vector<Series>& all) {
  out.family("nimbus_service_restarts_total", "counter",
             "How often a service was started again after it had failed.");
  CO_TRY_VOID(co_await out.samples(all, [](const Series& series) -> std::optional<std::uint64_t> {
    if (!series.service) return std::nullopt;
    return series.service->restarts;
  }));
  out.family("nimbus_service_running", "gauge", "Whether a service runs.");
  co_return co_await out.samples(all, [](const Series& series) -> std::optional<std::uint64_t> {
    if (!series.service) return std::nullopt;
    return series.service->state == ServiceState::kRunning ? 1 : 0;
  });
}

void sendBusy(http::ResponseWriter& response) {
  http::ResponseHead head;
  head.status = 503;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-store");
  head.headers.add("retry-after", "1");
  response.sendWhole(head,
                     asBytes(errorJson(ErrorCode::kResourceExhausted, "too many scrapes at once")));
}

}  // namespace

Task<Result<void>> writeWorkloadMetrics(net::Shard& shard, const WorkloadManager& manager,
                                        MetricDetail detail, http::ResponseWriter& response) {
  const std::vector<Series> all = co_await gather(shard, manager);
  Writer out(shard, response);
  writeTotals(out, all);
  if (detail == MetricDetail::kByComponent) {
    CO_TRY_VOID(co_await writeServices(out, all));
    for (const CountFamily& family : kByComponent) {
      out.family(family.name, family.type, family.help);
      const Count count = family.count;
      CO_TRY_VOID(
          co_await out.samples(all, [count](const Series& series) -> std::optional<std::uint64_t> {
            return series.counts.*count;
          }));
    }
  }
  co_return co_await out.flush();
}

Task<void> sendMetrics(http::ResponseWriter& response, const MetricRegistry& metrics,
                       const MetricWriter& more) {
  if (more.full()) {
    sendBusy(response);
    co_return;
  }
  const MetricWriter::Scrape counted(more);
  http::ResponseHead head;
  head.headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  head.headers.add("cache-control", "no-store");
  response.sendHead(head, std::nullopt);
  if (!co_await response.write(Bytes::take(metrics.renderPrometheus()))) co_return;
  if (more && !co_await more(response)) co_return;
  response.finish({});
}

}  // namespace nimbus::host
