#include "base/metrics.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"

namespace nimbus {
namespace {

using Metric =
    std::variant<std::shared_ptr<Counter>, std::shared_ptr<Gauge>, std::shared_ptr<Histogram>>;

// By the alternative's index in Metric.
constexpr std::array<std::string_view, 3> kTypeNames = {"counter", "gauge", "histogram"};

bool isName(std::string_view name, std::string_view also_allowed) {
  const auto legal = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           also_allowed.contains(c);
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, legal);
}

enum class EscapeQuotes { kNo, kYes };

// The escapes of the exposition format: help texts leave quotes alone, label values do not.
void appendExposed(std::string& out, std::string_view raw, EscapeQuotes quotes) {
  for (const char c : raw) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && quotes == EscapeQuotes::kYes)) out += '\\';
    out += c;
  }
}

// `a="1",b="2"`; the labels must be sorted.
std::string renderLabels(const MetricLabels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    NIMBUS_CHECK(isName(key, ""));
    if (!text.empty()) text += ',';
    text += key;
    text += "=\"";
    appendExposed(text, value, EscapeQuotes::kYes);
    text += '"';
  }
  return text;
}

void appendSample(std::string& out, std::string_view name, std::string_view labels,
                  const auto& value) {
  auto end = std::back_inserter(out);
  if (labels.empty()) {
    fmt::format_to(end, "{} {}\n", name, value);
  } else {
    fmt::format_to(end, "{}{{{}}} {}\n", name, labels, value);
  }
}

void appendHistogram(std::string& out, const std::string& name, const std::string& labels,
                     const Histogram& histogram) {
  const auto counts = histogram.cumulative();
  const std::string_view comma = labels.empty() ? "" : ",";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::string bound = i < Histogram::kBoundsSeconds.size()
                                  ? fmt::format("{}", Histogram::kBoundsSeconds[i])
                                  : "+Inf";
    fmt::format_to(std::back_inserter(out), "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma,
                   bound, counts[i]);
  }
  appendSample(out, name + "_sum", labels, histogram.sumSeconds());
  // Not count(): the sample must agree with the buckets above, also while others observe.
  appendSample(out, name + "_count", labels, counts.back());
}

}  // namespace

void Histogram::observe(double seconds) {
  if (!(seconds > 0)) seconds = 0;  // also for not-a-number
  const auto bound = std::ranges::lower_bound(kBoundsSeconds, seconds);
  const auto index = static_cast<std::size_t>(bound - kBoundsSeconds.begin());
  buckets_[index].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  constexpr double kLongestSeconds = 1e6;
  const double nanoseconds = std::min(seconds, kLongestSeconds) * 1e9;
  sum_ns_.fetch_add(static_cast<std::uint64_t>(nanoseconds), std::memory_order_relaxed);
}

double Histogram::sumSeconds() const {
  return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
}

std::array<std::uint64_t, Histogram::kBoundsSeconds.size() + 1> Histogram::cumulative() const {
  std::array<std::uint64_t, kBoundsSeconds.size() + 1> counts{};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    counts[i] = total;
  }
  return counts;
}

struct MetricRegistry::State {
  struct Family {
    std::string help;
    std::size_t type;
    std::map<std::string, Metric, std::less<>> series;  // by rendered labels
  };

  Metric& find(std::string_view name, std::string_view help, MetricLabels labels,
               const Metric& fresh);

  template <typename T>
  std::shared_ptr<T> get(std::string_view name, std::string_view help, MetricLabels labels) {
    const std::lock_guard lock(mutex);
    const Metric fresh = std::make_shared<T>();
    return std::get<std::shared_ptr<T>>(find(name, help, std::move(labels), fresh));
  }

  std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
};

Metric& MetricRegistry::State::find(std::string_view name, std::string_view help,
                                    MetricLabels labels, const Metric& fresh) {
  auto found = families.find(name);
  if (found == families.end()) {
    NIMBUS_CHECK(isName(name, ":"));
    Family family{std::string(help), fresh.index(), {}};
    found = families.emplace(std::string(name), std::move(family)).first;
  }
  Family& family = found->second;
  NIMBUS_CHECK_OP(family.type, ==, fresh.index());
  std::ranges::sort(labels);
  return family.series.emplace(renderLabels(labels), fresh).first->second;
}

MetricRegistry::MetricRegistry() : state_(std::make_unique<State>()) {}
MetricRegistry::~MetricRegistry() = default;

std::shared_ptr<Counter> MetricRegistry::counter(std::string_view name, std::string_view help,
                                                 MetricLabels labels) {
  return state_->get<Counter>(name, help, std::move(labels));
}

std::shared_ptr<Gauge> MetricRegistry::gauge(std::string_view name, std::string_view help,
                                             MetricLabels labels) {
  return state_->get<Gauge>(name, help, std::move(labels));
}

std::shared_ptr<Histogram> MetricRegistry::histogram(std::string_view name, std::string_view help,
                                                     MetricLabels labels) {
  return state_->get<Histogram>(name, help, std::move(labels));
}

std::string MetricRegistry::renderPrometheus() const {
  const std::lock_guard lock(state_->mutex);
  std::string out;
  for (const auto& [name, family] : state_->families) {
    out += "# HELP " + name + " ";
    appendExposed(out, family.help, EscapeQuotes::kNo);
    fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", name, kTypeNames[family.type]);
    for (const auto& [labels, metric] : family.series) {
      if (const auto* histogram = std::get_if<std::shared_ptr<Histogram>>(&metric)) {
        appendHistogram(out, name, labels, **histogram);
      } else if (const auto* counter = std::get_if<std::shared_ptr<Counter>>(&metric)) {
        appendSample(out, name, labels, (*counter)->value());
      } else {
        appendSample(out, name, labels, std::get<std::shared_ptr<Gauge>>(metric)->value());
      }
    }
  }
  return out;
}

}  // namespace nimbus
