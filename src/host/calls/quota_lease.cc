#include "host/calls/quota_lease.h"

#include <algorithm>
#include <utility>

namespace nimbus::host {
namespace {

// Shards keep at most an eighth of a quota in reserve between them, and never more than this each.
constexpr std::uint64_t kMaxBatch = 16;
constexpr std::uint64_t kReserveDivisor = 16;

}  // namespace

QuotaLease::QuotaLease(Quota& quota, std::size_t shard_count)
    : quota_(quota),
      batch_(std::clamp<std::uint64_t>(quota.limit() / (kReserveDivisor * shard_count), 1,
                                       kMaxBatch)) {}

QuotaLease::~QuotaLease() { giveSpare(); }

bool QuotaLease::giveSpare() {
  if (spare_ == 0) return false;
  quota_.give(std::exchange(spare_, 0));
  return true;
}

bool QuotaLease::take() {
  if (spare_ == 0) spare_ = quota_.take(batch_);
  if (spare_ == 0) return false;
  spare_ -= 1;
  return true;
}

void QuotaLease::give() {
  spare_ += 1;
  const bool is_due = quota_.someoneWaits() || quota_.oneExpected();
  if (spare_ <= batch_ && batch_ > 1 && !is_due) return;
  giveSpare();
}

}  // namespace nimbus::host
