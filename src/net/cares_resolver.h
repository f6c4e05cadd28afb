#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "net/resolver.h"

namespace nimbus::net {

// Where the name servers of a resolver come from. What differs from the default is for tests.
struct NameServers {
  std::string list = {};  // "127.0.0.1:5353,…", for good; empty: those that the file names
  std::string file = "/etc/resolv.conf";
  std::uint16_t port = 53;                        // of those that the file names, as it cannot say
  Duration look_again = std::chrono::seconds(1);  // after the last look at the file
};

// makeResolver() with name servers of one's own instead of the system's. Internal to src/net.
[[nodiscard]] Result<std::unique_ptr<Resolver>> makeResolverFrom(Shard& shard, Duration timeout,
                                                                 NameServers servers);

// The same with `NameServers::list`. Empty: the system's.
[[nodiscard]] Result<std::unique_ptr<Resolver>> makeResolverWithServers(Shard& shard,
                                                                        Duration timeout,
                                                                        const std::string& servers);

}  // namespace nimbus::net
