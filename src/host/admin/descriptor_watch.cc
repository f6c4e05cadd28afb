#include "host/admin/descriptor_watch.h"

#include <memory>
#include <optional>
#include <string>

#include "net/descriptors.h"

namespace nimbus::host {
namespace {

constexpr Duration kLook = std::chrono::seconds(1);
constexpr Duration kBetweenWarnings = std::chrono::minutes(1);
constexpr int kLooksPerCount = 5;  // counting takes time when there are many

class Watching {
 public:
  Watching(net::Shard& shard, Logger& log, MetricRegistry& metrics)
      : shard_(shard),
        log_(log),
        open_(metrics.gauge("nimbus_open_files", "File descriptors in use.")),
        limit_(metrics.gauge("nimbus_open_files_limit", "How many this process may have.")),
        shortages_(metrics.counter("nimbus_open_files_shortages_total",
                                   "Times that no connection could be accepted for want of a file "
                                   "descriptor.")) {}

  void look() {
    if (looks_++ % kLooksPerCount == 0) {
      open_->set(static_cast<std::int64_t>(net::openDescriptors()));
      limit_->set(static_cast<std::int64_t>(net::descriptorLimit()));
    }
    const std::uint64_t total = net::descriptorShortages();
    untold_ += total - seen_;
    shortages_->add(total - seen_);
    seen_ = total;
    if (untold_ > 0 && (!told_at_ || shard_.now() - *told_at_ >= kBetweenWarnings)) tell();
  }

 private:
  void tell() {
    log_.warn(
        "connections wait: no file descriptor is left",
        {{"times", std::to_string(untold_)}, {"limit", std::to_string(net::descriptorLimit())}});
    untold_ = 0;
    told_at_ = shard_.now();
  }

  net::Shard& shard_;
  Logger& log_;
  std::shared_ptr<Gauge> open_;
  std::shared_ptr<Gauge> limit_;
  std::shared_ptr<Counter> shortages_;
  int looks_ = 0;
  std::uint64_t seen_ = net::descriptorShortages();
  std::uint64_t untold_ = 0;
  std::optional<TimePoint> told_at_;
};

Task<void> keepLooking(net::Shard* shard, Logger* log, MetricRegistry* metrics) {
  Watching watching(*shard, *log, *metrics);
  while (true) {
    watching.look();
    co_await shard->sleepFor(kLook);
  }
}

}  // namespace

DescriptorWatch::DescriptorWatch(net::ShardGroup& control, Logger& log, MetricRegistry& metrics)
    : control_(control) {
  control_.runOn(0, [&](net::Shard& shard) { tasks_.spawn(keepLooking(&shard, &log, &metrics)); });
}

DescriptorWatch::~DescriptorWatch() {
  control_.runOn(0, [this](net::Shard&) { tasks_.cancelAll(); });
}

}  // namespace nimbus::host
