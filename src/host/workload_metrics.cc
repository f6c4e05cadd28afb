#include "host/workload_metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "host/denial_counts.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kPage = 500;  // workloads that are gathered at once

// Names of workloads and components are DNS labels: nothing in them needs escaping.
struct Series {
  std::string labels;  // workload and component
  ComponentStatus status;
  std::optional<ServiceProgress> service;  // of a workload's service
};

std::string labelsOf(const std::string& workload, const ComponentStatus& component) {
  return fmt::format("workload=\"{}\",component=\"{}\"", workload, component.name);
}

std::vector<Series> gather(const WorkloadManager& manager) {
  std::vector<Series> all;
  std::string after;
  for (bool more = true; more;) {
    const auto page = manager.list(after, kPage);
    more = page.size() == kPage;
    for (const WorkloadStatus& listed : page) {
      after = listed.spec->id();
      auto whole = manager.get(after);
      if (!whole) continue;
      for (ComponentStatus& component : whole->components) {
        std::string labels = labelsOf(after, component);
        all.push_back({std::move(labels), std::move(component), std::nullopt});
      }
      if (!whole->service) continue;
      std::string labels = labelsOf(after, whole->service->component);
      all.push_back({std::move(labels), std::move(whole->service->component),
                     std::move(whole->service->progress)});
    }
  }
  return all;
}

class Text {
 public:
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
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::back_insert_iterator<std::string> end() { return std::back_inserter(text_); }
  std::string text_;
  std::string_view name_;
};

using Count = std::uint64_t ComponentStatus::*;

void appendTotal(Text& text, const std::vector<Series>& all, std::string_view name,
                 std::string_view help, Count count) {
  text.family(name, "gauge", help);
  std::uint64_t total = 0;
  for (const Series& series : all) total += series.status.*count;
  text.sample("", total);
}

void appendEach(Text& text, const std::vector<Series>& all, std::string_view name,
                std::string_view type, std::string_view help, Count count) {
  text.family(name, type, help);
  for (const Series& series : all) text.sample(series.labels, series.status.*count);
}

constexpr std::array kServiceStates = {ServiceState::kStarting, ServiceState::kRunning,
                                       ServiceState::kRestarting, ServiceState::kCompleted,
                                       ServiceState::kFailed};

void appendServices(Text& text, const std::vector<Series>& all, MetricDetail detail) {
  text.family("nimbus_services", "gauge", "Services of workloads by state.");
  for (const ServiceState state : kServiceStates) {
    const auto count = std::ranges::count_if(all, [&](const Series& series) {
      return series.service && series.service->state == state;
    });
    text.sample(fmt::format("state=\"{}\"", serviceStateName(state)),
                static_cast<std::uint64_t>(count));
  }
  if (detail != MetricDetail::kByComponent) return;
  text.family("nimbus_service_restarts_total", "counter",
              "How often a service was started again after it had failed.");
  for (const Series& series : all)
    if (series.service) text.sample(series.labels, series.service->restarts);
  text.family("nimbus_service_running", "gauge", "Whether a service runs.");
  for (const Series& series : all)
    if (series.service)
      text.sample(series.labels, series.service->state == ServiceState::kRunning ? 1 : 0);
}

}  // namespace

std::string renderWorkloadMetrics(const WorkloadManager& manager, MetricDetail detail) {
  const std::vector<Series> all = gather(manager);
  Text text;
  appendTotal(text, all, "nimbus_instances", "Instances alive.", &ComponentStatus::instances);
  appendTotal(text, all, "nimbus_calls_in_flight", "Calls that instances work at.",
              &ComponentStatus::calls_in_flight);
  appendTotal(text, all, "nimbus_calls_queued", "Calls that wait for an instance.",
              &ComponentStatus::calls_queued);
  appendServices(text, all, detail);
  text.family("nimbus_egress_denied_total", "counter",
              "What guests wanted and may not, by reason.");
  for (const auto& [reason, count] : denialCounts())
    text.sample(fmt::format("reason=\"{}\"", reason), count);
  if (detail == MetricDetail::kByComponent) {
    appendEach(text, all, "nimbus_calls_total", "counter", "Calls of a component that have begun.",
               &ComponentStatus::calls_total);
    appendEach(text, all, "nimbus_calls_failed_total", "counter", "Those of them that failed.",
               &ComponentStatus::failures_total);
    appendEach(text, all, "nimbus_component_instances", "gauge", "Instances alive, by component.",
               &ComponentStatus::instances);
    appendEach(text, all, "nimbus_component_calls_in_flight", "gauge",
               "Calls at work, by component.", &ComponentStatus::calls_in_flight);
    appendEach(text, all, "nimbus_component_calls_queued", "gauge",
               "Calls that wait, by component.", &ComponentStatus::calls_queued);
  }
  return text.take();
}

}  // namespace nimbus::host
