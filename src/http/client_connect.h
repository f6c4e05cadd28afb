#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "http/client.h"
#include "http/client_request.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/stream.h"
#include "net/tls.h"

namespace nimbus::http {

// Of these addresses those that the check allows, in the order in which they are tried: families
// take turns, the family of the first address begins (RFC 8305 4). kPermissionDenied if there were
// some and none is allowed, kNotFound if there were none.
[[nodiscard]] Result<std::vector<net::Endpoint>> orderAddresses(
    const std::vector<net::IpAddress>& addresses, const ClientTarget& target,
    const AddressCheck& check);

// Connects to the first that answers: an attempt begins when the one before failed, or has not
// succeeded within a moment (RFC 8305 5). `endpoints` is not empty.
[[nodiscard]] Task<Result<std::unique_ptr<net::Stream>>> connectToFirst(
    net::Shard& shard, std::vector<net::Endpoint> endpoints);

// Name look-up, policy, TCP, and TLS if `tls` is not null.
struct ConnectPlan {
  ClientTarget target;
  AddressCheck check;
  std::shared_ptr<net::TlsClientContext> tls;
  std::vector<std::string> alpn;
  ClientStage* stage = nullptr;  // as RequestOptions has it
};
[[nodiscard]] Task<Result<std::unique_ptr<net::Stream>>> openConnection(net::Shard& shard,
                                                                        net::Resolver& resolver,
                                                                        ConnectPlan plan);

}  // namespace nimbus::http
