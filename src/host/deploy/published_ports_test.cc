#include "host/deploy/published_ports.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "net/test_support.h"

namespace nimbus::host {
namespace {

WorkloadSpec publishing(std::string name, std::string at) {
  WorkloadSpec spec;
  spec.name = std::move(name);
  spec.service.emplace().ports = {
      {.name = "cache", .port = 6379, .published_at = std::move(at), .origin = "ports[0]"}};
  return spec;
}

TEST(PublishedPortsTest, TheNextGenerationHasThePortThatTheLastOneHas) {
  PublishedPorts ports;
  auto first = ports.open(publishing("a", "127.0.0.1:0"));
  ASSERT_TRUE(first) << first.error().describe();
  const auto next = ports.open(publishing("a", "127.0.0.1:0"));
  ASSERT_TRUE(next) << next.error().describe();
  EXPECT_EQ(first->at(0).published, next->at(0).published);
  EXPECT_EQ(next->at(0).spec.port, 6379);
}

TEST(PublishedPortsTest, AnotherWorkloadHasItsOwn) {
  PublishedPorts ports;
  const auto one = ports.open(publishing("a", "127.0.0.1:0"));
  const auto other = ports.open(publishing("b", "127.0.0.1:0"));
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->at(0).published, other->at(0).published);
}

TEST(PublishedPortsTest, OneThatIsTakenIsNamed) {
  const auto taken = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
  ASSERT_TRUE(taken) << taken.error().describe();
  PublishedPorts ports;
  const std::string at = taken->front()->boundTo().toString();
  const auto led = ports.open(publishing("a", at));
  ASSERT_FALSE(led);
  EXPECT_EQ(led.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(led.error().describe().starts_with("ports[0]: cannot listen on " + at))
      << led.error().describe();
}

// What is logged, on whatever thread.
class LastRecord final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField> fields) override {
    const std::lock_guard lock(mutex_);
    detail_ = std::prev(fields.end())->value;
    written_.notify_all();
  }
  // The next one's detail.
  [[nodiscard]] std::string take() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        written_.wait_for(lock, std::chrono::seconds(10), [&] { return !detail_.empty(); }));
    return std::exchange(detail_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable written_;
  std::string detail_;
};

class PublishedPortsTalking : public net::ShardTest {
 protected:
  // The port leads into a network with room for `max_inbound` connections, where nobody listens.
  void publish(std::uint32_t max_inbound) {
    {
      const auto probe = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
      ASSERT_TRUE(probe) << probe.error().describe();
      where_ = probe->front()->boundTo();
    }
    auto led = ports_.open(publishing("a", where_.toString()));
    ASSERT_TRUE(led) << led.error().describe();
    led_ = *std::move(led);
    auto log = std::make_shared<ComponentLog>(ComponentIdentity{"a", "b", 1}, logger_, clock_);
    led_[0].leadInto(engine::PrivateNetwork(max_inbound), std::move(log));
  }
  void isReset() {
    run([&](net::Shard& shard) -> Task<void> {
      const auto client = co_await net::connectTo(shard, where_);
      if (client) EXPECT_FALSE(co_await net::readToEnd(**client));  // else it was so at once
    });
  }

  const SystemClock clock_;
  LastRecord logger_;
  PublishedPorts ports_{std::chrono::milliseconds(1)};
  net::Endpoint where_;
  std::vector<LedPort> led_;
};

TEST_F(PublishedPortsTalking, ThatNobodyListensIsLogged) {
  publish(1);
  isReset();
  EXPECT_EQ(logger_.take(), where_.toString() + ": nobody listens on port 6379 of the service");
}

TEST_F(PublishedPortsTalking, TooManyConnectionsAreLogged) {
  publish(0);
  isReset();
  EXPECT_EQ(logger_.take(), where_.toString() + ": there are as many connections as there may be");
}

TEST(PublishedPortsTest, WithoutAServiceThereAreNone) {
  PublishedPorts ports;
  EXPECT_TRUE(ports.open(WorkloadSpec())->empty());
}

}  // namespace
}  // namespace nimbus::host
