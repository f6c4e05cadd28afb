#include "host/egress/egress.h"

#include <gtest/gtest.h>

#include "host/egress/egress_ranges.h"

namespace nimbus::host {
namespace {

net::IpAddress ip(std::string_view text) {
  auto address = net::IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return *address;
}

EgressPolicy policyOf(EgressLists lists, EgressOptions options = {}) {
  auto policy = EgressPolicy::parse(lists, std::move(options));
  EXPECT_TRUE(policy) << policy.error().describe();
  return policy ? *std::move(policy) : EgressPolicy();
}

EgressPolicy hosts(std::vector<std::string> entries, EgressOptions options = {}) {
  return policyOf({.allowed_hosts = std::move(entries),
                   .allowed_ip_name_lookups = {},
                   .allowed_host_loopback_ports = {}},
                  std::move(options));
}

struct HttpCase {
  const char* entry;
  const char* scheme;
  const char* host;
  std::uint16_t port;
  bool allowed;
};

class AllowedHosts : public ::testing::TestWithParam<HttpCase> {};

TEST_P(AllowedHosts, CoverWhatTheySay) {
  const HttpCase& c = GetParam();
  const Verdict verdict = hosts({c.entry}).checkHttp(c.scheme, c.host, c.port);
  EXPECT_EQ(verdict.allowed(), c.allowed)
      << c.entry << " for " << c.scheme << "://" << c.host << ":" << c.port;
  if (!verdict) EXPECT_EQ(verdict.denial().reason, DenyReason::kNotPermitted);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, AllowedHosts,
    ::testing::Values(HttpCase{"*", "http", "a.example", 80, true},
                      HttpCase{"*", "https", "1.2.3.4", 1, true},
                      HttpCase{"*", "https", "[2001:4860::1]", 443, true},
                      HttpCase{"*:443", "https", "a.example", 443, true},
                      HttpCase{"*:443", "https", "a.example", 444, false},
                      HttpCase{"https://*", "https", "a.example", 9, true},
                      HttpCase{"https://*", "http", "a.example", 9, false},
                      HttpCase{"a.example", "http", "a.example", 80, true},
                      HttpCase{"a.example", "https", "a.example", 8443, true},
                      HttpCase{"a.example", "https", "A.Example", 443, true},
                      HttpCase{"A.EXAMPLE", "https", "a.example", 443, true},
                      HttpCase{"a.example", "https", "a.example.", 443, true},
                      HttpCase{"a.example.", "https", "a.example", 443, true},
                      HttpCase{"a.example", "http", "b.example", 80, false},
                      HttpCase{"a.example", "http", "x.a.example", 80, false},
                      HttpCase{"a.example", "http", "a.example.evil", 80, false},
                      HttpCase{"a.example", "http", "aa.example", 80, false},
                      HttpCase{"a.example:81", "http", "a.example", 81, true},
                      HttpCase{"a.example:81", "http", "a.example", 80, false},
                      HttpCase{"http://a.example", "http", "a.example", 80, true},
                      HttpCase{"HTTP://a.example", "http", "a.example", 80, true},
                      HttpCase{"http://a.example", "HTTP", "a.example", 80, true},
                      HttpCase{"http://a.example", "https", "a.example", 80, false},
                      HttpCase{"https://a.example:444", "https", "a.example", 444, true},
                      HttpCase{"https://a.example:444", "https", "a.example", 443, false},
                      HttpCase{"https://a.example:444", "http", "a.example", 444, false},
                      HttpCase{"*.a.example", "http", "x.a.example", 80, true},
                      HttpCase{"*.a.example", "http", "x.y.a.example", 80, true},
                      HttpCase{"*.a.example", "http", "a.example", 80, false},
                      HttpCase{"*.a.example", "http", ".a.example", 80, false},
                      HttpCase{"*.a.example", "http", "xa.example", 80, false},
                      HttpCase{"*.a.example:81", "http", "x.a.example", 81, true},
                      HttpCase{"*.a.example:81", "http", "x.a.example", 80, false},
                      HttpCase{"https://*.a.example:81", "https", "x.a.example", 81, true},
                      HttpCase{"https://*.a.example:81", "http", "x.a.example", 81, false},
                      HttpCase{"localhost:8080", "http", "localhost", 8080, true},
                      HttpCase{"my_service", "http", "my_service", 80, true},
                      HttpCase{"127.0.0.1:8080", "http", "127.0.0.1", 8080, true},
                      HttpCase{"127.0.0.1:8080", "http", "127.0.0.2", 8080, false},
                      HttpCase{"127.0.0.1:8080", "http", "localhost", 8080, false},
                      HttpCase{"[2001:4860::1]:443", "https", "[2001:4860::1]", 443, true},
                      HttpCase{"[2001:4860::1]:443", "https", "2001:4860:0::0001", 443, true},
                      HttpCase{"[2001:4860::1]:443", "https", "[2001:4860::1]", 444, false},
                      HttpCase{"2001:4860::1", "https", "[2001:4860::1]", 7, true},
                      HttpCase{"http://[2001:4860::1]", "http", "[2001:4860::1]", 7, true},
                      HttpCase{"10.1.0.0/16", "http", "10.1.255.3", 80, true},
                      HttpCase{"10.1.0.0/16", "http", "10.2.0.0", 80, false},
                      HttpCase{"10.1.0.0/16:81", "http", "10.1.2.3", 80, false},
                      HttpCase{"10.1.0.0/16:81", "http", "10.1.2.3", 81, true},
                      HttpCase{"10.1.0.0/16", "http", "::ffff:10.1.2.3", 80, true},
                      HttpCase{"10.1.0.0/16", "http", "10.1.example", 80, false},
                      HttpCase{"1.2.3.128/25", "http", "1.2.3.127", 80, false},
                      HttpCase{"0.0.0.0/0", "http", "8.8.8.8", 80, true},
                      HttpCase{"0.0.0.0/0", "http", "a.example", 80, false},
                      HttpCase{"fd00:1::/32", "http", "[fd00:1:2::3]", 80, true},
                      HttpCase{"[fd00:1::/32]:80", "http", "[fd00:1:2::3]", 80, true},
                      HttpCase{"[fd00:1::/32]:80", "http", "[fd00:1:2::3]", 81, false},
                      HttpCase{"fd00:1::/32", "http", "[fd00:2::1]", 80, false},
                      HttpCase{"*.0.0.1", "http", "127.0.0.1", 80, false}));

TEST(EgressLists, RefuseEntriesThatMakeNoSense) {
  for (const char* entry : {"",
                            " ",
                            "a b",
                            "a..example",
                            ".example",
                            "-a.example",
                            "http://",
                            "ftp://a.example",
                            "://a.example",
                            "a.example:",
                            "a.example:0",
                            "a.example:65536",
                            "a.example:http",
                            "a.example/path",
                            "http://a.example/",
                            "u@a.example",
                            "*a.example",
                            "a.*.example",
                            "**",
                            "*.",
                            "*.*",
                            "*.a..b",
                            "300.1.1.1",
                            "1.2.3",
                            "1.2.3.4.5",
                            "10.0.0.0/33",
                            "10.0.0.0/",
                            "10.0.0.0/x",
                            "[::1",
                            "[::1]x",
                            "[::1]:",
                            "fd00::/129",
                            "::ffff:10.0.0.0/104",
                            "a.example:80:80",
                            "?",
                            "a\n.example"}) {
    const auto policy = EgressPolicy::parse({.allowed_hosts = {"fine.example", entry},
                                             .allowed_ip_name_lookups = {},
                                             .allowed_host_loopback_ports = {}},
                                            {});
    ASSERT_FALSE(policy) << "\"" << entry << "\"";
    EXPECT_EQ(policy.error().code(), ErrorCode::kInvalidArgument);
    const std::string text = policy.error().describe();
    EXPECT_NE(text.find("allowedHosts: \"" + std::string(entry) + "\""), std::string::npos) << text;
  }
  for (const char* entry : {"", "0", "65536", "http", "80/sctp", "80/", "/udp", "80-90", "*"}) {
    EXPECT_FALSE(EgressPolicy::parse({.allowed_hosts = {},
                                      .allowed_ip_name_lookups = {},
                                      .allowed_host_loopback_ports = {entry}},
                                     {}))
        << entry;
  }
  for (const char* entry : {"", "a.example:80", "http://a.example", "*x"}) {
    EXPECT_FALSE(EgressPolicy::parse({.allowed_hosts = {},
                                      .allowed_ip_name_lookups = {entry},
                                      .allowed_host_loopback_ports = {}},
                                     {}))
        << entry;
  }
}

TEST(EgressLists, APathBehindASchemeIsToldAsSuch) {
  const auto parse = [](std::string_view entry) {
    return EgressPolicy::parse({.allowed_hosts = {std::string(entry)},
                                .allowed_ip_name_lookups = {},
                                .allowed_host_loopback_ports = {}},
                               {});
  };
  EXPECT_TRUE(parse("http://10.0.0.0/8:80"));
  for (const char* entry :
       {"http://127.0.0.1/api", "https://a.example/api", "http://[::1]:80/api"}) {
    const auto policy = parse(entry);
    ASSERT_FALSE(policy) << entry;
    const std::string text = policy.error().describe();
    EXPECT_NE(text.find("remove \"/api\""), std::string::npos) << text;
  }
}

struct RangeCase {
  const char* address;
  AddressKind kind;
};

using enum AddressKind;

constexpr RangeCase kRangeCases[] = {
    {"8.8.8.8", kPublic},
    {"1.0.0.0", kPublic},
    {"0.0.0.0", kLoopback},
    {"0.1.2.3", kSpecial},
    {"9.255.255.255", kPublic},
    {"10.0.0.0", kPrivate},
    {"10.255.255.255", kPrivate},
    {"11.0.0.0", kPublic},
    {"100.63.255.255", kPublic},
    {"100.64.0.0", kPrivate},
    {"100.127.255.255", kPrivate},
    {"100.128.0.0", kPublic},
    {"100.100.100.200", kMetadata},
    {"126.255.255.255", kPublic},
    {"127.0.0.1", kLoopback},
    {"127.255.255.255", kLoopback},
    {"128.0.0.0", kPublic},
    {"168.63.129.16", kMetadata},
    {"169.253.255.255", kPublic},
    {"169.254.0.1", kSpecial},
    {"169.254.169.254", kMetadata},
    {"169.254.170.2", kMetadata},
    {"169.255.0.0", kPublic},
    {"172.15.255.255", kPublic},
    {"172.16.0.0", kPrivate},
    {"172.31.255.255", kPrivate},
    {"172.32.0.0", kPublic},
    {"192.0.0.1", kSpecial},
    {"192.0.1.1", kPublic},
    {"192.0.2.1", kSpecial},
    {"192.88.99.1", kSpecial},
    {"192.167.255.255", kPublic},
    {"192.168.0.1", kPrivate},
    {"192.169.0.0", kPublic},
    {"198.17.255.255", kPublic},
    {"198.18.0.0", kSpecial},
    {"198.19.255.255", kSpecial},
    {"198.20.0.0", kPublic},
    {"198.51.100.1", kSpecial},
    {"203.0.113.1", kSpecial},
    {"223.255.255.255", kPublic},
    {"224.0.0.1", kSpecial},
    {"239.255.255.255", kSpecial},
    {"240.0.0.1", kSpecial},
    {"255.255.255.255", kSpecial},
    {"::", kLoopback},
    {"::1", kLoopback},
    {"::2", kSpecial},
    {"::ffff:127.0.0.1", kLoopback},
    {"::ffff:8.8.8.8", kPublic},
    {"::ffff:169.254.169.254", kMetadata},
    {"::10.0.0.1", kPrivate},
    {"::8.8.8.8", kPublic},
    {"::127.0.0.1", kSpecial},
    {"64:ff9b::8.8.8.8", kPublic},
    {"64:ff9b::10.0.0.1", kPrivate},
    {"64:ff9b::127.0.0.1", kSpecial},
    {"64:ff9b::169.254.169.254", kMetadata},
    {"64:ff9b:1::8.8.8.8", kSpecial},
    {"100::1", kSpecial},
    {"2001:0:808:808::f7f7:f7f7", kPublic},   // Teredo: server and client 8.8.8.8
    {"2001:0:808:808::f5ff:fffe", kPrivate},  // client 10.0.0.1
    {"2001:0:808:808::80ff:fffe", kSpecial},  // client 127.0.0.1
    {"2001:0:a00:1::f7f7:f7f7", kPrivate},    // server 10.0.0.1
    {"2001:2::1", kSpecial},
    {"2001:10::1", kSpecial},
    {"2001:20::1", kSpecial},
    {"2001:db8::1", kSpecial},
    {"2001:4860:4860::8888", kPublic},
    {"2002:808:808::1", kPublic},
    {"2002:a00:1::1", kPrivate},
    {"2002:7f00:1::1", kSpecial},
    {"2002:a9fe:a9fe::1", kMetadata},
    {"2600::1", kPublic},
    {"3fff::1", kSpecial},
    {"3fff:1000::1", kPublic},
    {"4000::1", kSpecial},
    {"5f00::1", kSpecial},
    {"fc00::1", kPrivate},
    {"fd00:ec2::254", kMetadata},
    {"fd00:ec2::23", kMetadata},
    {"fd20:ce::254", kMetadata},
    {"fdff::1", kPrivate},
    {"fe00::1", kSpecial},
    {"fe80::1", kSpecial},
    {"febf::1", kSpecial},
    {"fec0::1", kPrivate},
    {"ff02::1", kSpecial},
};

TEST(EgressRanges, KnowEverySpecialAddress) {
  for (const RangeCase& c : kRangeCases)
    EXPECT_EQ(rangeOf(ip(c.address)).kind, c.kind) << c.address;
}

TEST(EgressPolicy, DeniesEverythingByDefault) {
  const EgressPolicy policy;
  EXPECT_FALSE(policy.checkHttp("https", "a.example", 443));
  EXPECT_FALSE(policy.checkLookup("a.example"));
  EXPECT_FALSE(policy.checkSocketUse());
  EXPECT_FALSE(policy.checkSocketConnect(ip("8.8.8.8"), 53, Transport::kUdp));
  EXPECT_FALSE(policy.checkSocketBind(ip("0.0.0.0"), 0, Transport::kUdp));
  EXPECT_FALSE(policy.checkAddress(ip("127.0.0.1"), 80));
}

TEST(EgressPolicy, JudgesAddressesByTheHostsOptions) {
  const EgressPolicy usual = hosts({"*"});
  EXPECT_TRUE(usual.checkAddress(ip("8.8.8.8"), 80));
  EXPECT_TRUE(usual.checkAddress(ip("10.0.0.1"), 80));
  EXPECT_EQ(usual.checkAddress(ip("169.254.169.254"), 80).denial().reason,
            DenyReason::kBlockedRange);
  EXPECT_EQ(usual.checkAddress(ip("fe80::1"), 80).denial().reason, DenyReason::kBlockedRange);

  EgressOptions strict;
  strict.deny_private_ranges = true;
  EXPECT_FALSE(hosts({"*"}, strict).checkAddress(ip("10.0.0.1"), 80));
  EXPECT_FALSE(hosts({"10.0.0.1"}, strict).checkAddress(ip("10.0.0.1"), 80))
      << "naming an address does not lift what the host forbids";
  EXPECT_FALSE(hosts({"*"}, strict).checkAddress(ip("fd00::1"), 80));

  EgressOptions lax;
  lax.deny_special_ranges = false;
  EXPECT_TRUE(hosts({"*"}, lax).checkAddress(ip("169.254.169.254"), 80));
  EXPECT_TRUE(hosts({"*"}, lax).checkAddress(ip("224.0.0.1"), 80));
  EXPECT_FALSE(hosts({"*"}, lax).checkAddress(ip("127.0.0.1"), 80))
      << "loopback has a rule of its own";
}

TEST(EgressPolicy, OpensHostLoopbackOnlyIfHostAndWorkloadAgree) {
  const EgressLists lists = {.allowed_hosts = {"127.0.0.1:5432", "*"},
                             .allowed_ip_name_lookups = {},
                             .allowed_host_loopback_ports = {"5432", "53/udp", "8000"}};
  EgressOptions open;
  open.allow_host_loopback = true;
  const auto owned = std::make_shared<OwnedPorts>();
  open.host_owned_ports = owned;

  const EgressPolicy closed = policyOf(lists);
  EXPECT_TRUE(closed.checkHttp("http", "127.0.0.1", 5432));
  EXPECT_EQ(closed.checkAddress(ip("127.0.0.1"), 5432).denial().reason,
            DenyReason::kHostLoopbackNotPermitted);

  const EgressPolicy policy = policyOf(lists, open);
  EXPECT_TRUE(policy.checkAddress(ip("127.0.0.1"), 5432));
  EXPECT_TRUE(policy.checkAddress(ip("::1"), 5432));
  EXPECT_TRUE(policy.checkSocketConnect(ip("127.9.9.9"), 5432, Transport::kTcp));
  EXPECT_FALSE(policy.checkSocketConnect(ip("127.0.0.1"), 5432, Transport::kUdp));
  EXPECT_TRUE(policy.checkSocketConnect(ip("127.0.0.1"), 53, Transport::kUdp));
  EXPECT_EQ(policy.checkAddress(ip("127.0.0.1"), 5433).denial().reason,
            DenyReason::kHostLoopbackNotPermitted);
  EXPECT_TRUE(policy.checkAddress(ip("127.0.0.1"), 8000));
  owned->add(8000);
  EXPECT_EQ(policy.checkAddress(ip("127.0.0.1"), 8000).denial().reason, DenyReason::kHostOwnedPort);
  EXPECT_EQ(policy.checkSocketConnect(ip("127.0.0.1"), 8000, Transport::kTcp).denial().reason,
            DenyReason::kHostOwnedPort);
}

TEST(EgressPolicy, NeverReachesAdministrationOnAnyAddressOfTheMachine) {
  EgressOptions options;
  const auto control = std::make_shared<OwnedPorts>();
  control->add(9000);
  options.control_ports = control;
  options.is_own_address = [](const net::IpAddress& address) { return address == ip("10.0.0.5"); };
  const EgressPolicy policy = hosts({"*", "10.0.0.0/8"}, options);
  EXPECT_EQ(policy.checkAddress(ip("10.0.0.5"), 9000).denial().reason, DenyReason::kHostOwnedPort);
  EXPECT_EQ(policy.checkSocketConnect(ip("10.0.0.5"), 9000, Transport::kTcp).denial().reason,
            DenyReason::kHostOwnedPort);
  EXPECT_TRUE(policy.checkAddress(ip("10.0.0.6"), 9000));
  EXPECT_TRUE(policy.checkAddress(ip("10.0.0.5"), 9001));
  EXPECT_TRUE(policy.checkSocketConnect(ip("10.0.0.5"), 9000, Transport::kUdp));
}

TEST(EgressPolicy, TakesTheUnspecifiedAddressForTheLoopbackThatItReaches) {
  EgressOptions lax;
  lax.deny_special_ranges = false;
  for (const auto* address : {"0.0.0.0", "::", "::ffff:0.0.0.0"}) {
    EXPECT_EQ(hosts({"*"}, lax).checkAddress(ip(address), 80).denial().reason,
              DenyReason::kHostLoopbackNotPermitted)
        << address;
  }
}

TEST(EgressPolicy, MatchesSocketsByAddressOnly) {
  const EgressPolicy policy =
      hosts({"db.example:5432", "https://9.9.9.9", "1.2.3.4:5432", "10.0.0.0/8"});
  EXPECT_TRUE(policy.checkSocketConnect(ip("1.2.3.4"), 5432, Transport::kTcp));
  EXPECT_TRUE(policy.checkSocketConnect(ip("::ffff:1.2.3.4"), 5432, Transport::kTcp));
  EXPECT_EQ(policy.checkSocketConnect(ip("1.2.3.4"), 5433, Transport::kTcp).denial().reason,
            DenyReason::kNotPermitted);
  EXPECT_TRUE(policy.checkSocketConnect(ip("10.2.3.4"), 53, Transport::kUdp));
  EXPECT_FALSE(policy.checkSocketConnect(ip("9.9.9.9"), 443, Transport::kTcp));
  EXPECT_EQ(
      hosts({"*"}).checkSocketConnect(ip("169.254.169.254"), 80, Transport::kTcp).denial().reason,
      DenyReason::kBlockedRange);
}

TEST(EgressPolicy, LetsUdpClientsBindAndNobodyElse) {
  const EgressPolicy policy = hosts({"*"});
  EXPECT_TRUE(policy.checkSocketBind(ip("0.0.0.0"), 0, Transport::kUdp));
  EXPECT_TRUE(policy.checkSocketBind(ip("::"), 0, Transport::kUdp));
  for (const auto& [address, port, transport] :
       {std::tuple("0.0.0.0", 53, Transport::kUdp), std::tuple("10.0.0.1", 0, Transport::kUdp),
        std::tuple("0.0.0.0", 0, Transport::kTcp), std::tuple("127.0.0.1", 80, Transport::kTcp)}) {
    EXPECT_EQ(policy.checkSocketBind(ip(address), static_cast<std::uint16_t>(port), transport)
                  .denial()
                  .reason,
              DenyReason::kBindNotPermitted);
  }
}

TEST(EgressPolicy, KnowsWhoHasALoopbackOfItsWorkload) {
  const auto with = [](Loopback loopback) {
    return policyOf({.allowed_hosts = {},
                     .allowed_ip_name_lookups = {},
                     .allowed_host_loopback_ports = {},
                     .loopback = loopback});
  };
  EXPECT_FALSE(with(Loopback::kHost).checkSocketUse());
  for (const Loopback loopback : {Loopback::kPrivate, Loopback::kListens}) {
    const EgressPolicy policy = with(loopback);
    EXPECT_TRUE(policy.checkSocketUse());
    for (const char* address : {"127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::"}) {
      EXPECT_EQ(policy.checkSocketBind(ip(address), 7777, Transport::kTcp).allowed(),
                loopback == Loopback::kListens)
          << address;
      EXPECT_FALSE(policy.checkSocketBind(ip(address), 7777, Transport::kUdp)) << address;
    }
    EXPECT_FALSE(policy.checkSocketBind(ip("10.0.0.1"), 7777, Transport::kTcp));
    EXPECT_FALSE(policy.checkSocketBind(ip("0.0.0.0"), 0, Transport::kUdp))
        << "there is nothing that it could send to";
    EXPECT_FALSE(policy.checkSocketConnect(ip("127.0.0.1"), 7777, Transport::kTcp))
        << "of the machine it reaches no more than others";
  }
}

TEST(EgressPolicy, LimitsLookups) {
  const EgressPolicy policy =
      policyOf({.allowed_hosts = {},
                .allowed_ip_name_lookups = {"a.example", "*.b.example", "10.0.0.1"},
                .allowed_host_loopback_ports = {}});
  EXPECT_TRUE(policy.checkLookup("A.example."));
  EXPECT_TRUE(policy.checkLookup("x.b.example"));
  EXPECT_TRUE(policy.checkLookup("10.0.0.1"));
  EXPECT_FALSE(policy.checkLookup("b.example"));
  EXPECT_FALSE(policy.checkLookup("10.0.0.2"));
  EXPECT_FALSE(policy.checkLookup("x.a.example"));
  EXPECT_TRUE(policyOf({.allowed_hosts = {},
                        .allowed_ip_name_lookups = {"*"},
                        .allowed_host_loopback_ports = {}})
                  .checkLookup("anything.example"));
}

std::string lookupDenial(const EgressPolicy& policy, std::string_view name) {
  const Verdict verdict = policy.checkLookup(name);
  return verdict ? "" : verdict.denial().message;
}

EgressPolicy anyLookup() {
  return policyOf(
      {.allowed_hosts = {}, .allowed_ip_name_lookups = {"*"}, .allowed_host_loopback_ports = {}});
}

TEST(EgressPolicy, LooksUpNoNameThatIsLongerThanDnsHas) {
  const EgressPolicy policy = anyLookup();
  const std::string longest(253, 'a');
  EXPECT_EQ(lookupDenial(policy, longest), "");
  EXPECT_EQ(lookupDenial(policy, longest + "."), "");
  EXPECT_EQ(lookupDenial(policy, longest + "b"),
            "\"" + longest + "…\" is longer than a name can be");
  EXPECT_EQ(lookupDenial(policy, std::string(20 << 20, 'a')),
            "\"" + longest + "…\" is longer than a name can be");
}

TEST(EgressPolicy, LooksUpNamesThatAreLongerOnlyUntilTheyAreAscii) {
  const EgressPolicy policy = anyLookup();
  const auto repeated = [](std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  const std::string encoded = repeated("%61.", 100);
  const std::string kana = repeated(repeated("あ", 40) + ".", 4);
  for (const std::string& name : {encoded, kana}) {
    EXPECT_GT(name.size(), 254);
    EXPECT_EQ(lookupDenial(policy, name), "");
    EXPECT_NE(lookupDenial(policy, repeated(name, 3)), "") << "more than can become short enough";
  }
}

TEST(EgressPolicy, TellsWhatAGuestNamedCutAndEscaped) {
  EXPECT_EQ(lookupDenial(hosts({}), "a\n\x1b[31m\u009b"),
            "\"a\\n\\u{1b}[31m\\u{9b}\" is not in allowedIpNameLookups");
  const Verdict denied = hosts({}).checkHttp("http", std::string(60'000, 'a'), 80);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.denial().message,
            "http://" + std::string(253, 'a') + "…:80 is not in allowedHosts");
}

TEST(EgressPolicy, TellsItsReasonInErrors) {
  const Result<void> denied = hosts({}).checkHttp("https", "a.example", 443);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(denied.error().message(),
            "not_permitted: https://a.example:443 is not in allowedHosts");
  EXPECT_TRUE(Result<void>(hosts({"*"}).checkHttp("https", "a.example", 443)));
}

}  // namespace
}  // namespace nimbus::host
