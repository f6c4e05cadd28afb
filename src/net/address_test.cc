#include "net/address.h"

#include <gtest/gtest.h>

#include "base/escape.h"

namespace nimbus::net {
namespace {

TEST(IpAddressTest, ReadsAndPrintsBothFamilies) {
  EXPECT_EQ(IpAddress::parse("127.0.0.1")->toString(), "127.0.0.1");
  EXPECT_TRUE(IpAddress::parse("127.0.0.1")->isV4());
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0::1")->toString(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::parse("::1")->isV4());
}

TEST(IpAddressTest, AMappedAddressIsItsIpv4Address) {
  const IpAddress plain = *IpAddress::parse("169.254.169.254");
  EXPECT_EQ(*IpAddress::parse("::ffff:169.254.169.254"), plain);
  EXPECT_EQ(*IpAddress::parse("::ffff:a9fe:a9fe"), plain);
  EXPECT_EQ(*IpAddress::parse("0:0:0:0:0:ffff:a9fe:a9fe"), plain);
  EXPECT_EQ(IpAddress::fromV6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1}),
            IpAddress::fromV4({10, 0, 0, 1}));
}

TEST(IpAddressTest, AddressesThatOnlyLookMappedStayIpv6) {
  EXPECT_FALSE(IpAddress::parse("::fffe:1.2.3.4")->isV4());
  EXPECT_FALSE(IpAddress::parse("::1.2.3.4")->isV4());
  EXPECT_FALSE(IpAddress::parse("64:ff9b::1.2.3.4")->isV4());
}

TEST(IpAddressTest, AFamilyIsPartOfTheIdentity) {
  EXPECT_NE(*IpAddress::parse("0.0.0.0"), *IpAddress::parse("::"));
}

class RefusedAddress : public ::testing::TestWithParam<std::string> {};
TEST_P(RefusedAddress, IsAnInvalidArgument) {
  const auto address = IpAddress::parse(GetParam());
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code(), ErrorCode::kInvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(All, RefusedAddress,
                         ::testing::Values("", "localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1",
                                           "127.0.0.1 ", " 127.0.0.1", "127.0.0.256", "1.2.3.4.5",
                                           "2130706433", "[::1]", "fe80::1%eth0", ":::", "1::2::3",
                                           std::string("127.0.0.1\0", 10), "::ffff:1.2.3.4.5",
                                           std::string(5000, ':')));

TEST(EndpointTest, ReadsWhatItPrints) {
  for (const char* text : {"127.0.0.1:8000", "[::1]:0", "[2001:db8::1]:65535", "unix:/run/x.sock",
                           "unix:relative.sock", "0.0.0.0:80"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->toString(), text);
  }
}

TEST(EndpointTest, AMappedAddressListensAsIpv4) {
  EXPECT_EQ(Endpoint::parse("[::ffff:127.0.0.1]:80")->toString(), "127.0.0.1:80");
}

class RefusedEndpoint : public ::testing::TestWithParam<std::string> {};
TEST_P(RefusedEndpoint, IsAnInvalidArgumentThatShowsTheText) {
  const auto endpoint = Endpoint::parse(GetParam());
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(endpoint.error().message().starts_with(inQuotes(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(
    All, RefusedEndpoint,
    ::testing::Values("", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                      "127.0.0.1:+1", "127.0.0.1:8o", "127.0.0.1: 80", "127.0.0.1:80 ",
                      "localhost:80", "::1:80", "[127.0.0.1]:80", "[::1]", "[::1]80", "[::1",
                      "::1]:80", "[]:80", "unix:", std::string("unix:/x\0y", 9), "[::]\n:80"));

}  // namespace
}  // namespace nimbus::net
