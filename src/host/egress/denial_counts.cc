#include "host/egress/denial_counts.h"

#include <array>
#include <atomic>

#include "host/egress/egress.h"

namespace nimbus::host {
namespace {

constexpr std::array kReasons = {DenyReason::kNotPermitted,
                                 DenyReason::kBindNotPermitted,
                                 DenyReason::kHostLoopbackNotPermitted,
                                 DenyReason::kHostOwnedPort,
                                 DenyReason::kBlockedRange,
                                 DenyReason::kNoCapacity};

// One more than there are reasons: the last is for what has none.
std::array<std::atomic<std::uint64_t>, kReasons.size() + 1> counts{};

}  // namespace

void countDenial(std::string_view what) {
  const std::string_view reason = what.substr(0, what.find(':'));
  std::size_t index = 0;
  while (index < kReasons.size() && denyReasonName(kReasons[index]) != reason) index += 1;
  counts[index].fetch_add(1, std::memory_order_relaxed);
}

std::vector<std::pair<std::string_view, std::uint64_t>> denialCounts() {
  std::vector<std::pair<std::string_view, std::uint64_t>> all;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    all.emplace_back(i < kReasons.size() ? denyReasonName(kReasons[i]) : "other",
                     counts[i].load(std::memory_order_relaxed));
  }
  return all;
}

}  // namespace nimbus::host
