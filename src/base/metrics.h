#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nimbus {

// Goes up only. Any thread.
class Counter {
 public:
  void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down. Any thread.
class Gauge {
 public:
  void add(std::int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Durations in seconds, in fixed buckets from 100 µs to 60 s. Any thread.
class Histogram {
 public:
  static constexpr std::array<double, 14> kBoundsSeconds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 10, 60};

  void observe(double seconds);
  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] double sumSeconds() const;
  // Observations at or below kBoundsSeconds[index]; index kBoundsSeconds.size() counts all.
  [[nodiscard]] std::uint64_t bucket(std::size_t index) const { return cumulative()[index]; }
  [[nodiscard]] std::array<std::uint64_t, kBoundsSeconds.size() + 1> cumulative() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBoundsSeconds.size() + 1> buckets_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> sum_ns_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// The metrics of one process, printed in the Prometheus text format 0.0.4. Registering the same
// name and labels (in any order) twice gives the same object, which lives at least as long as the
// registry. Look metrics up once and keep the pointer: look-ups lock. A name of another
// kind or with characters that Prometheus forbids is a bug and aborts; label values may be any
// text.
class MetricRegistry {
 public:
  MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;
  ~MetricRegistry();

  std::shared_ptr<Counter> counter(std::string_view name, std::string_view help,
                                   MetricLabels labels = {});
  std::shared_ptr<Gauge> gauge(std::string_view name, std::string_view help,
                               MetricLabels labels = {});
  std::shared_ptr<Histogram> histogram(std::string_view name, std::string_view help,
                                       MetricLabels labels = {});

  [[nodiscard]] std::string renderPrometheus() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nimbus
