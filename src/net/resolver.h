#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/address.h"
#include "net/shard.h"

namespace nimbus::net {

// Names to addresses, without blocking the shard (c-ares behind it; /etc/hosts is honoured).
class Resolver {
 public:
  virtual ~Resolver() = default;
  // All addresses of the name, IPv6 and IPv4; a literal address is returned as it is. Errors:
  // kNotFound (no such name), kDeadlineExceeded, kUnavailable (servers failed).
  [[nodiscard]] virtual Task<Result<std::vector<IpAddress>>> resolve(std::string name) = 0;
};

// On the shard's thread, where it is also destroyed, after the look-ups that it runs. `timeout`
// bounds each look-up. The servers are those of /etc/resolv.conf, also once it changes: a look-up
// looks whether it has, at most once a second. Those under way end with the servers they began
// with. While it cannot be read the last one counts. /etc/hosts is read each time.
[[nodiscard]] Result<std::unique_ptr<Resolver>> makeResolver(Shard& shard, Duration timeout);

// A resolver that knows only what it was told; for tests.
class FixedResolver final : public Resolver {
 public:
  void add(std::string name, std::vector<IpAddress> addresses);
  [[nodiscard]] Task<Result<std::vector<IpAddress>>> resolve(std::string name) override;

 private:
  std::vector<std::pair<std::string, std::vector<IpAddress>>> names_;
};

}  // namespace nimbus::net
