#include "project/published_address.h"

#include "net/address.h"

namespace nimbus::project {

Result<std::string> publishedAddress(std::string_view dev_address, std::uint16_t port) {
  TRY(net::Endpoint where, net::Endpoint::parse(dev_address));
  if (!where.unix_path.empty())
    where = {.address = net::IpAddress::fromV4({127, 0, 0, 1}), .unix_path = {}};
  where.port = port;
  return where.toString();
}

}  // namespace nimbus::project
