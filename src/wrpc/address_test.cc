#include "wrpc/address.h"

#include <gtest/gtest.h>

namespace nimbus::wrpc {
namespace {

using Transport = ProviderAddress::Transport;

std::string messageFor(std::string_view text) {
  const auto parsed = ProviderAddress::parse(text);
  if (parsed) return "accepted as " + parsed->toString();
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  return parsed.error().message();
}

TEST(ProviderAddress, ReadsUnixSockets) {
  const auto address = ProviderAddress::parse("unix:/run/kv.sock");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->transport, Transport::kUnix);
  EXPECT_EQ(address->endpoint()->unix_path, "/run/kv.sock");
  EXPECT_EQ(address->toString(), "unix:/run/kv.sock");
}

TEST(ProviderAddress, ReadsTcpAddressesAndNames) {
  EXPECT_EQ(ProviderAddress::parse("tcp:127.0.0.1:7761")->endpoint()->toString(), "127.0.0.1:7761");
  EXPECT_EQ(ProviderAddress::parse("tcp:[::1]:0")->endpoint()->toString(), "[::1]:0");
  const auto named = ProviderAddress::parse("tcp:kv.example:7761");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->host, "kv.example");
  EXPECT_EQ(named->port, 7761);
  EXPECT_FALSE(named->endpoint());
  EXPECT_EQ(ProviderAddress::parse("tcp:[::1]:77")->toString(), "tcp:[::1]:77");
}

TEST(ProviderAddress, ReadsNatsPrefixesAndServers) {
  const auto own = ProviderAddress::parse("nats:shop.eu");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->nats_servers, "");
  EXPECT_EQ(own->nats_prefix, "shop.eu");
  EXPECT_TRUE(ProviderAddress::parse("nats:"));
  const auto servers = ProviderAddress::parse("nats://10.0.0.1,[::1]:5222/shop");
  ASSERT_TRUE(servers);
  EXPECT_EQ(servers->nats_servers, "nats://10.0.0.1:4222,nats://[::1]:5222");
  EXPECT_EQ(servers->nats_prefix, "shop");
  EXPECT_EQ(servers->toString(), "nats://10.0.0.1:4222,[::1]:5222/shop");
  EXPECT_EQ(ProviderAddress::parse("nats://h")->toString(), "nats://h:4222");
  EXPECT_FALSE(servers->endpoint());
}

TEST(ProviderAddress, SaysWhatIsWrong) {
  EXPECT_NE(messageFor("kv-memory").find("names no transport"), std::string::npos);
  EXPECT_NE(messageFor("nat:x").find("did you mean \"nats\""), std::string::npos);
  EXPECT_NE(messageFor("quic:h:1").find("write unix:/path"), std::string::npos);
  EXPECT_NE(messageFor("unix:").find("path of the socket is missing"), std::string::npos);
  EXPECT_NE(messageFor("unix:/" + std::string(200, 'x')).find("at most 107"), std::string::npos);
  EXPECT_NE(messageFor("tcp:host").find("port is missing"), std::string::npos);
  EXPECT_NE(messageFor("tcp::80").find("no host name"), std::string::npos);
  EXPECT_NE(messageFor("tcp:a b:80").find("no host name"), std::string::npos);
  EXPECT_NE(messageFor("tcp:host:65536").find("\"65536\" is no port"), std::string::npos);
  EXPECT_NE(messageFor("tcp:host:").find("is no port"), std::string::npos);
  EXPECT_NE(messageFor("tcp:::1:80").find("no host name"), std::string::npos);
  EXPECT_NE(messageFor("tcp:fe80::1:80").find("stands in brackets"), std::string::npos);
  EXPECT_NE(messageFor("tcp:[::1").find("\"]\" is missing"), std::string::npos);
  EXPECT_NE(messageFor("tcp:[1.2.3.4]:80").find("IPv6"), std::string::npos);
  EXPECT_NE(messageFor("tcp:[::1]80").find("is no port"), std::string::npos);
  EXPECT_NE(messageFor("nats:a..b").find("empty part"), std::string::npos);
  EXPECT_NE(messageFor("nats:a.*").find("cannot be part"), std::string::npos);
  EXPECT_NE(messageFor("nats://").find("no host name"), std::string::npos);
}

}  // namespace
}  // namespace nimbus::wrpc
