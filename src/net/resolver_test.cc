#include "net/resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <thread>

#include "base/sync.h"
#include "base/unique_fd.h"
#include "net/cares_resolver.h"
#include "net/socket_address.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Addresses = std::vector<IpAddress>;

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint8_t kServerFailure = 2;
constexpr std::uint8_t kNoSuchName = 3;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

// A name server on loopback with a thread of its own. Knows a few names; is silent about those in
// `silent`, fails for those in `failing`, and says of any other that it does not exist.
class FakeNameServer {
 public:
  FakeNameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress any = *toSocketAddress(*Endpoint::parse("127.0.0.1:0"));
    EXPECT_EQ(::bind(socket_.get(), any.get(), any.size), 0);
    SocketAddress bound;
    EXPECT_EQ(::getsockname(socket_.get(), bound.get(), &bound.size), 0);
    where_ = fromSocketAddress(bound);
  }
  ~FakeNameServer() {
    if (!thread_.joinable()) return;
    const SocketAddress self = *toSocketAddress(where_);
    (void)::sendto(socket_.get(), "", 0, 0, self.get(), self.size);  // an empty one ends it
    thread_.join();
  }
  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  [[nodiscard]] std::string where() const { return where_.toString(); }

  std::map<std::string, Addresses> names;
  std::map<std::string, std::string> mapped;  // AAAA ::ffff:a.b.c.d only
  std::set<std::string> silent;
  std::set<std::string> failing;

 private:
  void serve() {
    for (;;) {
      std::array<char, 512> question;
      SocketAddress from;
      const ssize_t size =
          ::recvfrom(socket_.get(), question.data(), question.size(), 0, from.get(), &from.size);
      if (size <= 0) return;
      const std::string answer = answerTo({question.data(), static_cast<std::size_t>(size)});
      if (answer.empty()) continue;
      (void)::sendto(socket_.get(), answer.data(), answer.size(), 0, from.get(), from.size);
    }
  }

  [[nodiscard]] std::string answerTo(std::string_view question) const {
    std::string name;
    std::size_t at = 12;
    while (question[at] != 0) {
      const auto length = static_cast<std::size_t>(question[at]);
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, length);
      at += length + 1;
    }
    const std::size_t end = at + 5;  // the root label, type, class
    const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 2]));
    if (silent.contains(name)) return {};
    std::uint8_t code = 0;
    std::string records;
    char count = 0;
    const auto add = [&](std::string_view address) {
      records += std::string("\xc0\x0c\0", 3) + static_cast<char>(type) +
                 std::string("\0\1\0\0\0\0\0", 7) + static_cast<char>(address.size());
      records += address;
      count += 1;
    };
    if (const auto sly = mapped.find(name); sly != mapped.end()) {
      if (type == kTypeAaaa) add(std::string(10, '\0') + "\xff\xff" + sly->second);
    } else if (const auto found = names.find(name); found != names.end()) {
      for (const IpAddress& address : found->second) {
        if (type != (address.isV4() ? kTypeA : kTypeAaaa)) continue;
        add(asText(ByteView(address.bytes()).first(address.isV4() ? 4 : 16)));
      }
    } else {
      code = failing.contains(name) ? kServerFailure : kNoSuchName;
    }
    const std::string flags = {'\x81', static_cast<char>(0x80 | code)};
    return std::string(question.substr(0, 2)) + flags + std::string("\0\1\0", 3) + count +
           std::string(4, '\0') + std::string(question.substr(12, end - 12)) + records;
  }

  UniqueFd socket_;
  Endpoint where_;
  std::thread thread_;
};

class ResolverTest : public ShardTest {
 protected:
  Result<Addresses> resolve(const std::string& name, Duration timeout = seconds(20)) {
    if (!started_) server_.start();
    started_ = true;
    Result<Addresses> result = fail(ErrorCode::kInternal, "not run");
    run([&](Shard& shard) -> Task<void> {
      auto resolver = *makeResolverWithServers(shard, timeout, server_.where());
      result = co_await resolver->resolve(name);
    });
    return result;
  }

  FakeNameServer server_;
  bool started_ = false;
};

TEST_F(ResolverTest, FindsBothFamilies) {
  server_.names["both.test"] = {ip("10.1.2.3"), ip("10.1.2.4"), ip("2001:db8::7")};
  EXPECT_THAT(*resolve("both.test"),
              ::testing::UnorderedElementsAre(ip("10.1.2.3"), ip("10.1.2.4"), ip("2001:db8::7")));
}

TEST_F(ResolverTest, OneFamilyIsEnough) {
  server_.names["four.test"] = {ip("10.0.0.4")};
  server_.names["six.test"] = {ip("2001:db8::6")};
  EXPECT_EQ(*resolve("four.test"), Addresses{ip("10.0.0.4")});
  EXPECT_EQ(*resolve("six.test"), Addresses{ip("2001:db8::6")});
}

TEST_F(ResolverTest, AMappedAnswerIsItsIpv4Address) {
  // A name server that hides a forbidden IPv4 address in an AAAA record must not get past policy.
  server_.mapped["sly.test"] = "\xa9\xfe\xa9\xfe";
  EXPECT_EQ(*resolve("sly.test"), Addresses{ip("169.254.169.254")});
}

TEST_F(ResolverTest, LiteralsAskNobody) {
  EXPECT_EQ(*resolve("192.0.2.1"), Addresses{ip("192.0.2.1")});
  EXPECT_EQ(*resolve("2001:db8::1"), Addresses{ip("2001:db8::1")});
  EXPECT_EQ(*resolve("::ffff:192.0.2.1"), Addresses{ip("192.0.2.1")});
}

TEST_F(ResolverTest, TheHostsFileIsHonoured) {
  EXPECT_THAT(*resolve("localhost"), ::testing::Contains(ip("127.0.0.1")));
}

TEST_F(ResolverTest, AnUnknownNameIsNotFound) {
  EXPECT_EQ(resolve("nowhere.test").error().code(), ErrorCode::kNotFound);
}

TEST_F(ResolverTest, WhatIsNoNameIsNotFoundWithoutAsking) {
  for (const std::string& name : {std::string(), std::string(300, 'a'), std::string("a\0b", 3),
                                  std::string(100, 'a') + ".test", std::string("a..test")}) {
    EXPECT_EQ(resolve(name).error().code(), ErrorCode::kNotFound) << name;
  }
}

TEST_F(ResolverTest, AFailingServerIsUnavailable) {
  server_.failing = {"broken.test"};
  EXPECT_EQ(resolve("broken.test").error().code(), ErrorCode::kUnavailable);
}

TEST_F(ResolverTest, ASilentServerRunsIntoTheTimeLimit) {
  server_.silent = {"slow.test"};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(resolve("slow.test", milliseconds(50)).error().code(), ErrorCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
}

TEST_F(ResolverTest, ManyLookupsRunAtOnce) {
  for (int number = 0; number < 100; ++number) {
    server_.names["n" + std::to_string(number) + ".test"] = {
        IpAddress::fromV4({10, 0, 0, static_cast<std::uint8_t>(number)})};
  }
  server_.start();
  run([&](Shard& shard) -> Task<void> {
    auto resolver = *makeResolverWithServers(shard, seconds(20), server_.where());
    const auto lookUp = [](Resolver& by, int number) -> Task<void> {
      const auto found = co_await by.resolve("n" + std::to_string(number) + ".test");
      EXPECT_EQ(*found,
                Addresses{IpAddress::fromV4({10, 0, 0, static_cast<std::uint8_t>(number)})});
    };
    TaskSet tasks;
    for (int number = 0; number < 100; ++number) tasks.spawn(lookUp(*resolver, number));
    co_await tasks.empty();
  });
}

TEST_F(ResolverTest, ALookupMayBeGivenUpAndTheAnswerComeLater) {
  server_.names["known.test"] = {ip("10.0.0.1")};
  server_.start();
  run([&](Shard& shard) -> Task<void> {
    auto resolver = *makeResolverWithServers(shard, seconds(20), server_.where());
    {
      Task<Result<Addresses>> task = resolver->resolve("known.test");
      EXPECT_FALSE(task.start());
    }
    EXPECT_TRUE(co_await resolver->resolve("known.test"));
  });
}

TEST_F(ResolverTest, MayBeDestroyedWithLookupsUnderWay) {
  server_.silent = {"slow.test"};
  server_.start();
  run([&](Shard& shard) -> Task<void> {
    auto resolver = *makeResolverWithServers(shard, seconds(20), server_.where());
    {
      Task<Result<Addresses>> task = resolver->resolve("slow.test");
      EXPECT_FALSE(task.start());
    }
    resolver.reset();
    co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_F(ResolverTest, TheSystemsConfigurationIsUsable) {
  run([](Shard& shard) -> Task<void> {
    auto resolver = makeResolver(shard, seconds(5));
    EXPECT_TRUE(resolver);
    EXPECT_TRUE(co_await (*resolver)->resolve("127.0.0.1"));
  });
}

TEST_F(ResolverTest, AFixedResolverKnowsWhatItWasTold) {
  run([](Shard&) -> Task<void> {
    FixedResolver resolver;
    resolver.add("a.test", {ip("10.0.0.1"), ip("::1")});
    EXPECT_EQ(*co_await resolver.resolve("a.test"), (Addresses{ip("10.0.0.1"), ip("::1")}));
    EXPECT_EQ(*co_await resolver.resolve("10.9.9.9"), Addresses{ip("10.9.9.9")});
    EXPECT_EQ((co_await resolver.resolve("b.test")).error().code(), ErrorCode::kNotFound);
  });
}

}  // namespace
}  // namespace nimbus::net
