#include "net/own_addresses.h"

#include <gtest/gtest.h>

namespace nimbus::net {
namespace {

TEST(OwnAddresses, LoopbackIsOursAndADocumentationAddressIsNot) {
  EXPECT_TRUE(isOwnAddress(IpAddress::parse("127.0.0.1").value()));
  EXPECT_FALSE(isOwnAddress(IpAddress::parse("203.0.113.7").value()));
  EXPECT_FALSE(isOwnAddress(IpAddress::parse("2001:db8::7").value()));
}

}  // namespace
}  // namespace nimbus::net
