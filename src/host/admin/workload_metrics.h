#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "base/metrics.h"
#include "base/result.h"
#include "base/task.h"
#include "host/control/workload_manager.h"
#include "http/handler.h"
#include "net/shard.h"

namespace nimbus::host {

enum class MetricDetail { kTotals, kByComponent };

// Writes metrics that are made when somebody asks, in the Prometheus text format, as content; may
// be empty. What it has gathered for a scrape stays until the client has read all of it, so each
// handler has a copy of its own, which counts those under way. On one shard.
class MetricWriter {
 public:
  using Write = std::function<Task<Result<void>>(http::ResponseWriter&)>;
  static constexpr std::size_t kMostScrapes = 8;

  MetricWriter() = default;
  explicit MetricWriter(Write write) : write_(std::move(write)) {}
  MetricWriter(const MetricWriter& other) : write_(other.write_) {}
  MetricWriter& operator=(const MetricWriter&) = delete;

  explicit operator bool() const { return write_ != nullptr; }
  [[nodiscard]] Task<Result<void>> operator()(http::ResponseWriter& response) const {
    return write_(response);
  }

  [[nodiscard]] bool full() const { return scrapes_ >= kMostScrapes; }
  // Counts one for as long as it lives, however it ends.
  class Scrape {
   public:
    explicit Scrape(const MetricWriter& writer) : writer_(writer) { ++writer_.scrapes_; }
    Scrape(const Scrape&) = delete;
    Scrape& operator=(const Scrape&) = delete;
    ~Scrape() { --writer_.scrapes_; }

   private:
    const MetricWriter& writer_;
  };

 private:
  Write write_;
  mutable std::size_t scrapes_ = 0;
};

// What all workloads do, and with kByComponent what each component does. Made of the counts that
// deployments keep anyway, so that requests pay nothing for it; a newer generation counts from
// zero. On the control shard, which gets its turn between pieces of the work: a host may have very
// many workloads.
[[nodiscard]] Task<Result<void>> writeWorkloadMetrics(net::Shard& shard,
                                                      const WorkloadManager& manager,
                                                      MetricDetail detail,
                                                      http::ResponseWriter& response);

// A whole response: the registry's metrics, and after them those of `more` if it is set. 503 with
// Retry-After while that is full.
[[nodiscard]] Task<void> sendMetrics(http::ResponseWriter& response, const MetricRegistry& metrics,
                                     const MetricWriter& more);

}  // namespace nimbus::host
