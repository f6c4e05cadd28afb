#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>

#include "base/metrics.h"
#include "base/sync.h"
#include "http/connection.h"
#include "http/http2_test_peer.h"
#include "net/socket.h"
#include "net/test_support.h"

namespace nimbus::http {
class FunctionHandler final : public Handler {
 public:
  using Function = std::function<Task<void>(ServerRequest&, ResponseWriter&)>;
  Task<void> handle(ServerRequest& request, ResponseWriter& response) override {
    return function(request, response);
  }
  Function function;
};

class RecordingLog final : public AccessLog {
 public:
  void record(const AccessRecord& record) override {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::string(record.method) + " " + std::string(record.path) + " " +
                     std::to_string(record.status) + " " + std::to_string(record.request_bytes) +
                     "/" + std::to_string(record.response_bytes) +
                     (record.complete ? " complete" : " cut"));
  }
  void flush() override {}
  Result<void> reopen() override { return {}; }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

[[nodiscard]] inline Task<Result<std::string>> readBody(BodyReader& body) {
  std::string text;
  for (;;) {
    CO_TRY(const auto piece, co_await body.read());
    if (!piece) co_return text;
    text += piece->text();
  }
}

// Says when it is destroyed, as a cancelled handler's frame is.
struct OnDestruction {
  std::atomic<int>& count;
  ~OnDestruction() { count += 1; }
};

// The fields of a GET of "/", and more.
[[nodiscard]] inline TestFields get(TestFields extra) {
  TestFields fields = {
      {":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", "/"}};
  fields.insert(fields.end(), extra.begin(), extra.end());
  return fields;
}

class Http2ServerTest : public net::ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
      sendText(response, 200, "hello");
      co_return;
    });
  }

  void TearDown() override {
    if (!group_) return;
    group_->runOn(0, [this](net::Shard&) {
      acceptor_.reset();
      running_.cancelAll();
      connections_.clear();
    });
    group_.reset();
  }

  void respondWith(FunctionHandler::Function function) { handler_.function = std::move(function); }

  std::uint16_t listen() {
    if (port_ != 0) return port_;
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    EXPECT_TRUE(sockets);
    port_ = (*sockets)[0]->boundTo().port;
    group_->runOn(0, [&](net::Shard& shard) {
      environment_.emplace(ConnectionEnvironment{shard, handler_, limits_, &log_, *requests_,
                                                 *protocol_errors_, *active_, nullptr});
      acceptor_ = net::makeAcceptor(
          shard, std::move((*sockets)[0]), [this](std::unique_ptr<net::Stream> stream) {
            connections_.push_back(makeHttp2Connection(*environment_, std::move(stream), {}));
            running_.spawn(connections_.back()->run());
          });
    });
    return port_;
  }

  std::unique_ptr<Http2TestPeer> connect(const Http2TestPeer::Settings& settings = {}) {
    return Http2TestPeer::connect(listen(), settings);
  }

  void drainAll() {
    group_->runOn(0, [this](net::Shard&) {
      for (auto& connection : connections_) connection->startDrain();
    });
  }

  ServerLimits limits_;
  MetricRegistry metrics_;
  std::shared_ptr<Counter> requests_ = metrics_.counter("requests", "");
  std::shared_ptr<Counter> protocol_errors_ = metrics_.counter("errors", "");
  std::shared_ptr<Gauge> active_ = metrics_.gauge("active", "");
  RecordingLog log_;
  FunctionHandler handler_;
  Event never_;  // for handlers to wait for: lives longer than they
  std::uint16_t port_ = 0;
  std::optional<ConnectionEnvironment> environment_;
  std::unique_ptr<net::Acceptor> acceptor_;
  std::vector<std::unique_ptr<Connection>> connections_;
  TaskSet running_;
};

}  // namespace nimbus::http
