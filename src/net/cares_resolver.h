#pragma once

#include "net/resolver.h"

namespace nimbus::net {

// makeResolver() with name servers of one's own instead of the system's: "127.0.0.1:5353,…". Empty:
// the system's. Internal to src/net; for tests.
[[nodiscard]] Result<std::unique_ptr<Resolver>> makeResolverWithServers(Shard& shard,
                                                                        Duration timeout,
                                                                        const std::string& servers);

}  // namespace nimbus::net
