#include "net/resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "base/sync.h"
#include "base/test_folder.h"
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
  explicit FakeNameServer(const std::string& where = "127.0.0.1:0")
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress wanted = *toSocketAddress(*Endpoint::parse(where));
    EXPECT_EQ(::bind(socket_.get(), wanted.get(), wanted.size), 0);
    SocketAddress bound;
    EXPECT_EQ(::getsockname(socket_.get(), bound.get(), &bound.size), 0);
    where_ = fromSocketAddress(bound);
  }
  ~FakeNameServer() {
    if (!thread_.joinable()) return;
    letAnswer();
    const SocketAddress self = *toSocketAddress(where_);
    (void)::sendto(socket_.get(), "", 0, 0, self.get(), self.size);  // an empty one ends it
    thread_.join();
  }
  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  [[nodiscard]] std::string where() const { return where_.toString(); }
  [[nodiscard]] std::uint16_t port() const { return where_.port; }

  // Nothing is answered from the first to the second.
  void holdAnswers() { answering_ = false; }
  void letAnswer() {
    answering_ = true;
    answering_.notify_all();
  }

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
      answering_.wait(false);
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
  std::atomic<bool> answering_ = true;
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

// The file names one of two servers, which listen on the same port: it has no place for one. The
// first of them does not know new.test, the second not old.test.
class ResolverFileTest : public ResolverTest {
 protected:
  static constexpr const char* kFirst = "127.0.0.1";
  static constexpr const char* kSecond = "127.0.0.2";

  void SetUp() override {
    ResolverTest::SetUp();
    server_.names["old.test"] = {ip("10.0.0.1")};
    second_.names["new.test"] = {ip("10.0.0.2")};
  }

  // Replaced as programs do it: another file takes its name.
  void nameInFile(const std::string& address) {
    folder_.write("next", "nameserver " + address + "\n");
    std::filesystem::rename(folder_.path("next"), file_);
  }

  // With both servers running and each look-up looking at the file, unless told otherwise.
  std::unique_ptr<Resolver> makeFromFile(Shard& shard, Duration look_again = Duration::zero()) {
    server_.start();
    second_.start();
    return *makeResolverFrom(shard, seconds(20),
                             {.file = file_, .port = server_.port(), .look_again = look_again});
  }

  FakeNameServer second_{std::string(kSecond) + ":" + std::to_string(server_.port())};
  TemporaryFolder folder_;
  const std::string file_ = folder_.path("resolv.conf");
};

TEST_F(ResolverFileTest, AReplacedFileIsFollowed) {
  run([&](Shard& shard) -> Task<void> {
    nameInFile(kFirst);
    auto resolver = makeFromFile(shard);
    EXPECT_EQ(*co_await resolver->resolve("old.test"), Addresses{ip("10.0.0.1")});
    EXPECT_EQ((co_await resolver->resolve("new.test")).error().code(), ErrorCode::kNotFound);
    nameInFile(kSecond);
    EXPECT_EQ(*co_await resolver->resolve("new.test"), Addresses{ip("10.0.0.2")});
    EXPECT_EQ((co_await resolver->resolve("old.test")).error().code(), ErrorCode::kNotFound);
  });
}

TEST_F(ResolverFileTest, AFileThatIsWrittenAnewIsFollowed) {
  run([&](Shard& shard) -> Task<void> {
    folder_.write("resolv.conf", "nameserver 127.0.0.1\n");
    auto resolver = makeFromFile(shard);
    EXPECT_FALSE(co_await resolver->resolve("new.test"));
    folder_.write("resolv.conf", "# longer\nnameserver 127.0.0.2\n");
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
  });
}

TEST_F(ResolverFileTest, AnotherTargetOfALinkIsFollowed) {
  run([&](Shard& shard) -> Task<void> {
    folder_.write("one", "nameserver 127.0.0.1\n");
    folder_.write("two", "nameserver 127.0.0.2\n");
    std::filesystem::create_symlink("one", file_);
    auto resolver = makeFromFile(shard);
    EXPECT_FALSE(co_await resolver->resolve("new.test"));
    std::filesystem::create_symlink("two", folder_.path("next"));
    std::filesystem::rename(folder_.path("next"), file_);
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
  });
}

TEST_F(ResolverFileTest, AFileThatComesLaterIsFollowed) {
  run([&](Shard& shard) -> Task<void> {
    auto resolver = makeFromFile(shard);  // without a file c-ares asks 127.0.0.1
    EXPECT_FALSE(co_await resolver->resolve("new.test"));
    nameInFile(kSecond);
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
  });
}

TEST_F(ResolverFileTest, WhileTheFileIsGoneOrNoneTheLastServersAreAsked) {
  run([&](Shard& shard) -> Task<void> {
    nameInFile(kSecond);
    auto resolver = makeFromFile(shard);
    std::filesystem::rename(file_, folder_.path("away"));
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
    std::filesystem::create_directory(file_);
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
    std::filesystem::remove(file_);
    nameInFile(kFirst);
    EXPECT_TRUE(co_await resolver->resolve("old.test"));
  });
}

TEST_F(ResolverFileTest, TheFileIsLookedAtAgainAfterAWhileOnly) {
  run([&](Shard& shard) -> Task<void> {
    nameInFile(kFirst);
    auto resolver = makeFromFile(shard, std::chrono::hours(1));
    nameInFile(kSecond);
    EXPECT_TRUE(co_await resolver->resolve("old.test"));
  });
}

TEST_F(ResolverFileTest, ALookupUnderWayEndsWithTheAnswerOfItsServer) {
  server_.holdAnswers();
  run([&](Shard& shard) -> Task<void> {
    nameInFile(kFirst);
    auto resolver = makeFromFile(shard);
    Result<Addresses> early = fail(ErrorCode::kInternal, "not run");
    const auto lookUp = [](Resolver& by, Result<Addresses>& into) -> Task<void> {
      into = co_await by.resolve("old.test");
    };
    TaskSet tasks;
    tasks.spawn(lookUp(*resolver, early));
    nameInFile(kSecond);
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
    EXPECT_EQ(early.error().code(), ErrorCode::kInternal);
    server_.letAnswer();
    co_await tasks.empty();
    EXPECT_EQ(*early, Addresses{ip("10.0.0.1")});
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
  });
}

TEST_F(ResolverFileTest, ALookupOfAnEarlierFileMayBeGivenUp) {
  server_.silent = {"slow.test"};
  run([&](Shard& shard) -> Task<void> {
    nameInFile(kFirst);
    auto resolver = makeFromFile(shard);
    {
      Task<Result<Addresses>> task = resolver->resolve("slow.test");
      EXPECT_FALSE(task.start());
      nameInFile(kSecond);
      EXPECT_TRUE(co_await resolver->resolve("new.test"));
    }
    EXPECT_TRUE(co_await resolver->resolve("new.test"));
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
