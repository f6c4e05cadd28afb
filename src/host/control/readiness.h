#pragma once

#include <atomic>
#include <string_view>

namespace nimbus::host {

// Where the host is in its life. Goes forward only. The control shard sets it; any thread reads.
class Readiness {
 public:
  enum class Phase { kRestoring, kReady, kDraining };

  [[nodiscard]] Phase phase() const { return phase_.load(std::memory_order_acquire); }
  [[nodiscard]] bool ready() const { return phase() == Phase::kReady; }

  // Does nothing if the host drains already.
  void markReady() {
    Phase expected = Phase::kRestoring;
    phase_.compare_exchange_strong(expected, Phase::kReady, std::memory_order_acq_rel);
  }
  void markDraining() { phase_.store(Phase::kDraining, std::memory_order_release); }

 private:
  std::atomic<Phase> phase_ = Phase::kRestoring;
};

[[nodiscard]] constexpr std::string_view phaseName(Readiness::Phase phase) {
  switch (phase) {
    case Readiness::Phase::kRestoring: return "restoring";
    case Readiness::Phase::kReady: return "ready";
    case Readiness::Phase::kDraining: return "draining";
  }
  return "unknown";
}

}  // namespace nimbus::host
