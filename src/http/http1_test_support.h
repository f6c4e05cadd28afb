#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "http/connection.h"
#include "net/shard.h"

namespace nimbus::http {

// What a test sees and does at the far end of a FakeStream.
struct Wire {
  explicit Wire(net::Shard& on) : shard(on) {}

  net::Shard& shard;
  std::string to_server;
  bool input_ended = false;
  bool broken = false;
  std::string from_server;
  std::size_t writes = 0;
  std::size_t room = SIZE_MAX;  // what the server may still write before the client takes more
  bool write_shut = false;
  bool closed = false;
  bool reset = false;
  Event input_news;
  Event room_news;
  Event news;  // for the test, set from the loop: never from within the server's own calls
};

// A stream in memory: the test is the peer.
class FakeStream final : public net::Stream {
 public:
  explicit FakeStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {
    peer_.address = "192.0.2.1:1234";
  }
  ~FakeStream() override {
    wire_->closed = true;
    tell();
  }

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    while (true) {
      if (wire_->closed) co_return fail(ErrorCode::kCancelled, "closed");
      if (wire_->broken) co_return fail(ErrorCode::kIo, "connection reset");
      if (!wire_->to_server.empty()) {
        const std::size_t count = std::min(into.size(), wire_->to_server.size());
        std::copy_n(wire_->to_server.begin(), count, into.begin());
        wire_->to_server.erase(0, count);
        tell();
        co_return count;
      }
      if (wire_->input_ended) co_return std::size_t{0};
      wire_->input_news.clear();
      co_await wire_->input_news.wait();
    }
  }

  Task<Result<void>> readable() override {
    while (wire_->to_server.empty() && !wire_->input_ended && !wire_->broken && !wire_->closed) {
      wire_->input_news.clear();
      co_await wire_->input_news.wait();
    }
    if (wire_->closed) co_return fail(ErrorCode::kCancelled, "closed");
    co_return Result<void>();
  }

  Result<std::size_t> tryWrite(ByteView bytes) override {
    if (wire_->broken || wire_->closed) return fail(ErrorCode::kIo, "broken pipe");
    const std::size_t count = std::min(bytes.size(), wire_->room);
    wire_->from_server.append(asText(bytes.first(count)));
    if (wire_->room != SIZE_MAX) wire_->room -= count;
    wire_->writes += 1;
    tell();
    return count;
  }

  Task<Result<void>> writable() override {
    while (wire_->room == 0 && !wire_->broken && !wire_->closed) {
      wire_->room_news.clear();
      co_await wire_->room_news.wait();
    }
    if (wire_->closed) co_return fail(ErrorCode::kCancelled, "closed");
    co_return Result<void>();
  }

  Task<Result<void>> shutdownWrite() override {
    wire_->write_shut = true;
    tell();
    co_return Result<void>();
  }

  void close() override {
    // The wire outlives this stream, which the woken tasks may destroy.
    const std::shared_ptr<Wire> wire = wire_;
    wire->closed = true;
    tell();
    wire->input_news.set();
    wire->room_news.set();
  }

  void reset() override {
    wire_->reset = true;
    close();
  }

  const net::PeerInfo& peer() const override { return peer_; }

 private:
  void tell() const {
    wire_->shard.post([wire = wire_] { wire->news.set(); });
  }

  std::shared_ptr<Wire> wire_;
  net::PeerInfo peer_;
};

using HandleFunction = std::function<Task<void>(ServerRequest&, ResponseWriter&)>;

class FunctionHandler final : public Handler {
 public:
  explicit FunctionHandler(HandleFunction function) : function_(std::move(function)) {}
  Task<void> handle(ServerRequest& request, ResponseWriter& response) override {
    return function_(request, response);
  }

 private:
  HandleFunction function_;
};

// Remembers what was logged.
class RecordingAccessLog final : public AccessLog {
 public:
  void record(const AccessRecord& record) override {
    std::string line(record.method);
    line.append(" ").append(record.authority).append(record.path).append(" ");
    line.append(record.version).append(" ").append(std::to_string(record.status));
    line.append(" ").append(std::to_string(record.request_bytes));
    line.append(" ").append(std::to_string(record.response_bytes));
    line.append(record.complete ? " complete" : " incomplete");
    lines.push_back(line);
  }
  void flush() override {}
  Result<void> reopen() override { return {}; }
  std::vector<std::string> lines;
};

// One HTTP/1 connection over a FakeStream. Lives on the shard.
class TestConnection {
 public:
  TestConnection(net::Shard& shard, HandleFunction handle, ServerLimits limits = {},
                 std::string received = {})
      : limits_(limits),
        handler_(std::move(handle)),
        wire_(std::make_shared<Wire>(shard)),
        environment_{.shard = shard,
                     .handler = handler_,
                     .limits = limits_,
                     .access_log = &log,
                     .requests = requests,
                     .protocol_errors = protocol_errors,
                     .active_requests = active},
        connection_(makeHttp1Connection(environment_, std::make_unique<FakeStream>(wire_),
                                        std::move(received))) {
    tasks_.spawn(drive());
  }

  void send(std::string_view text) {
    wire_->to_server.append(text);
    wire_->input_news.set();
  }
  void endInput() {
    wire_->input_ended = true;
    wire_->input_news.set();
  }
  void breakConnection() {
    wire_->broken = true;
    wire_->input_news.set();
    wire_->room_news.set();
  }
  void allow(std::size_t bytes) {
    wire_->room = bytes;
    wire_->room_news.set();
  }
  void startDrain() { connection_->startDrain(); }

  // Everything received so far, without `date` lines.
  [[nodiscard]] std::string output() const {
    std::string text = wire_->from_server;
    for (std::size_t at = 0; (at = text.find("date: ", at)) != std::string::npos;) {
      text.erase(at, text.find("\r\n", at) + 2 - at);
    }
    return text;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] Wire& wire() { return *wire_; }

  // Waits until the condition holds; a test failure after some seconds.
  Task<void> until(std::function<bool()> condition) {
    bool expired = false;
    const std::shared_ptr<Wire> wire = wire_;
    net::Timer timer(wire->shard, [wire, &expired] {
      expired = true;
      wire->shard.post([wire] { wire->news.set(); });
    });
    timer.armAfter(std::chrono::seconds(10));
    while (!condition() && !expired) {
      wire->news.clear();
      co_await wire->news.wait();
    }
    EXPECT_FALSE(expired) << "waited in vain; output so far:\n" << output();
  }
  Task<void> untilOutput(std::string expected) {
    co_await until([&] { return output().find(expected) != std::string::npos; });
  }
  Task<void> untilEnded() {
    co_await until([this] { return ended_; });
  }
  // Lets everything that is ready happen.
  Task<void> settle() {
    for (int turn = 0; turn < 4; ++turn) {
      bool done = false;
      const std::shared_ptr<Wire> wire = wire_;
      wire->shard.post([wire, &done] {
        done = true;
        wire->news.set();
      });
      while (!done) {
        wire->news.clear();
        co_await wire->news.wait();
      }
    }
  }

  RecordingAccessLog log;
  Counter requests;
  Counter protocol_errors;
  Gauge active;

 private:
  Task<void> drive() {
    co_await connection_->run();
    ended_ = true;
    wire_->shard.post([wire = wire_] { wire->news.set(); });
  }

  ServerLimits limits_;
  FunctionHandler handler_;
  std::shared_ptr<Wire> wire_;
  ConnectionEnvironment environment_;
  bool ended_ = false;
  std::unique_ptr<Connection> connection_;
  TaskSet tasks_;
};

// One shard on a thread of its own; run() executes a coroutine there and waits for it.
class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = net::ShardGroup::start(1);
    ASSERT_TRUE(started) << started.error().describe();
    group_ = *std::move(started);
  }
  void run(std::move_only_function<Task<void>(net::Shard&)> make) {
    group_->runTask(0, std::move(make));
  }

  std::unique_ptr<net::ShardGroup> group_;
};

inline constexpr const char* kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

// What sendText() makes of a content.
inline std::string answer(std::string_view content, std::string_view extra = {}) {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: " +
         std::to_string(content.size()) + "\r\n" + std::string(extra) + "\r\n" +
         std::string(content);
}

// A coroutine for HandleFunction: everything the client sent, then "<method> <path> <content>".
inline Task<void> echoHandler(ServerRequest& request, ResponseWriter& response) {
  std::string content;
  while (true) {
    auto piece = co_await request.body->read();
    if (!piece || !*piece) break;
    content += (*piece)->text();
  }
  const Headers& trailers = request.body->trailers();
  std::string text = request.head.method + " " + request.head.path + " " + content;
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    text.append(" ").append(trailers[i].name).append("=").append(trailers[i].value);
  }
  sendText(response, 200, text);
}

}  // namespace nimbus::http
