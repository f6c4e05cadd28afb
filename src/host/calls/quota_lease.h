#pragma once

#include <cstddef>
#include <cstdint>

#include "base/quota.h"

namespace nimbus::host {

// One shard's part of a quota, taken and given back in batches so that shards seldom touch the
// shared count. While others wait for one, or expect one, it keeps nothing back.
class QuotaLease {
 public:
  QuotaLease(Quota& quota, std::size_t shard_count);
  QuotaLease(const QuotaLease&) = delete;
  QuotaLease& operator=(const QuotaLease&) = delete;
  ~QuotaLease();

  // True if one more may be had; give() it back.
  [[nodiscard]] bool take();
  void give();
  // Gives back what it keeps for later. False: that is nothing.
  bool giveSpare();

  [[nodiscard]] Quota& quota() { return quota_; }

 private:
  Quota& quota_;
  std::uint64_t batch_;
  std::uint64_t spare_ = 0;
};

}  // namespace nimbus::host
