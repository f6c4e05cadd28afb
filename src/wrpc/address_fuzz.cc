// Provider addresses of manifests and command lines. What parses reads back as the same from the
// spelling that it is written in; what does not has a message.
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "wrpc/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nimbus::wrpc::ProviderAddress;
  const auto address = ProviderAddress::parse(nimbus::asText({data, size}));
  if (!address) {
    NIMBUS_CHECK(!address.error().message().empty());
    return 0;
  }
  const auto again = ProviderAddress::parse(address->toString());
  NIMBUS_CHECK(again.has_value());
  NIMBUS_CHECK(again->toString() == address->toString());
  NIMBUS_CHECK(again->transport == address->transport);
  NIMBUS_CHECK(again->port == address->port && again->host == address->host);
  NIMBUS_CHECK(again->unix_path == address->unix_path);
  NIMBUS_CHECK(again->nats_servers == address->nats_servers);
  NIMBUS_CHECK(again->nats_prefix == address->nats_prefix);
  return 0;
}
