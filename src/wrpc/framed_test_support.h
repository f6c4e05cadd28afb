#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/sync.h"
#include "net/socket.h"
#include "net/test_support.h"
#include "wrpc/framed_client.h"
#include "wrpc/framed_server.h"
#include "wrpc/leb.h"

// An Invoker for tests of transports, and both ends of one.
namespace nimbus::wrpc {

inline std::string textOf(const ByteChain& chain) { return std::string(chain.toBytes().text()); }

// Bytes that a test hands over one after the other.
class TestSource final : public ByteSource {
 public:
  struct State {
    std::deque<std::string> pieces;
    bool ended = false;
    std::optional<Error> failure;
    Event news;
    bool dropped = false;
    std::size_t pulled_bytes = 0;

    void send(std::string piece) {
      pieces.push_back(std::move(piece));
      news.set();
    }
    void end() {
      ended = true;
      news.set();
    }
    void fail(Error error) {
      failure = std::move(error);
      news.set();
    }
  };

  explicit TestSource(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~TestSource() override { state_->dropped = true; }

  Eventual<Result<std::optional<ByteChain>>> read() override { return next(state_); }

 private:
  static Task<Result<std::optional<ByteChain>>> next(std::shared_ptr<State> state) {
    while (state->pieces.empty() && !state->ended && !state->failure) {
      state->news.clear();
      co_await state->news.wait();
    }
    if (!state->pieces.empty()) {
      ByteChain piece(Bytes::take(std::move(state->pieces.front())));
      state->pieces.pop_front();
      state->pulled_bytes += piece.size();
      co_return std::optional(std::move(piece));
    }
    if (state->failure) co_return std::unexpected(*state->failure);
    co_return std::optional<ByteChain>();
  }

  std::shared_ptr<State> state_;
};

// So many bytes, the same piece over and over.
class EndlessSource final : public ByteSource {
 public:
  EndlessSource(std::size_t total_bytes, std::size_t* pulled_bytes)
      : piece_(Bytes::take(std::string(64 * 1024, 'e'))),
        left_bytes_(total_bytes),
        pulled_bytes_(pulled_bytes) {}
  Eventual<Result<std::optional<ByteChain>>> read() override {
    if (left_bytes_ == 0) return Result<std::optional<ByteChain>>(std::nullopt);
    const std::size_t count = std::min(left_bytes_, piece_.size());
    left_bytes_ -= count;
    *pulled_bytes_ += count;
    return Result<std::optional<ByteChain>>(ByteChain(piece_.slice(0, count)));
  }

 private:
  Bytes piece_;
  std::size_t left_bytes_;
  std::size_t* pulled_bytes_;
};

// A tuple of so many bytes, or of one byte list.
class TestShape final : public TupleShape {
 public:
  enum class Channels : std::uint8_t { kNone, kSome };
  TestShape(std::optional<std::size_t> fixed_bytes, Channels channels)
      : fixed_bytes_(fixed_bytes), channels_(channels) {}
  Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override {
    std::size_t size = fixed_bytes_.value_or(0);
    if (!fixed_bytes_) {
      const Bytes flat = bytes.toBytes();
      const UlebResult length = readUleb(flat.view(), 32);
      if (length.state == LebState::kWrong) return fail(ErrorCode::kProtocol, "a wrong length");
      if (length.state == LebState::kMore) return std::nullopt;
      size = length.size + length.value;
    }
    if (bytes.size() < size) return std::nullopt;
    return size;
  }
  [[nodiscard]] bool mayHaveChannels() const override { return channels_ == Channels::kSome; }

 private:
  std::optional<std::size_t> fixed_bytes_;
  Channels channels_;
};

// test:service/calls:
//   echo: func(bytes: list<u8>) -> list<u8>
//   none: func()
//   fail: func()                               always fails
//   hang: func()                               never answers
//   pass: func(in: stream<u8>) -> stream<u8>   the same stream
//   two: func() -> tuple<stream<u8>, stream<u8>>  both without an end
//   flood: func() -> stream<u8>                a gigabyte
//   wait: func(in: stream<u8>) -> u8           answers once the stream has ended
class TestInvoker final : public Invoker {
 public:
  struct Seen {
    int running = 0;
    int calls = 0;
    int sessions = 0;
    std::optional<Duration> lease;
    std::size_t flood_bytes = 0;
    std::shared_ptr<TestSource::State> first = std::make_shared<TestSource::State>();
    std::shared_ptr<TestSource::State> second = std::make_shared<TestSource::State>();
    std::optional<Error> stream_error;
    Event hanging;   // a call hangs
    Event released;  // it was given up
  };

  enum class Types : std::uint8_t { kKnown, kUnknown };
  explicit TestInvoker(std::shared_ptr<Seen> seen, Types types = Types::kKnown)
      : seen_(std::move(seen)), types_(types) {}

  Result<FunctionId> resolve(const FunctionName& name) override {
    static constexpr std::string_view kNames[] = {"echo", "none", "fail",  "hang",
                                                  "pass", "two",  "flood", "wait"};
    if (name.instance != "test:service/calls")
      return fail(ErrorCode::kNotFound, "no such instance");
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (name.function == kNames[i]) return FunctionId{i};
    }
    return fail(ErrorCode::kNotFound, "no such function");
  }
  std::shared_ptr<const TupleShape> parameters(FunctionId id) const override {
    if (types_ == Types::kUnknown) return nullptr;
    using Channels = TestShape::Channels;
    if (id == kEcho) return std::make_shared<TestShape>(std::nullopt, Channels::kNone);
    if (id == kPass || id == kWait) return std::make_shared<TestShape>(1, Channels::kSome);
    return std::make_shared<TestShape>(0, Channels::kNone);
  }
  std::unique_ptr<Session> open(net::Shard&, std::shared_ptr<const Consumer> consumer) override {
    seen_->sessions += 1;
    seen_->lease = consumer->lease;
    return std::make_unique<TestSession>(seen_);
  }

  static constexpr FunctionId kEcho{0}, kNone{1}, kFail{2}, kHang{3}, kPass{4}, kTwo{5}, kFlood{6},
      kWait{7};

 private:
  class TestSession final : public Session {
   public:
    explicit TestSession(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
    Eventual<Result<Values>> invoke(const CallContext&, FunctionId id, Values params) override {
      seen_->calls += 1;
      Values results;
      if (id == kEcho) results.bytes = std::move(params.bytes);
      if (id == kFail) return Result<Values>(nimbus::fail(ErrorCode::kTrap, "the guest trapped"));
      if (id == kHang) return hang(seen_);
      if (id == kWait) return waitForEnd(seen_, std::move(params));
      if (id == kPass) {
        results.bytes.append(std::uint8_t{0});
        results.channels.push_back({{0}, params.take({0})});
      }
      if (id == kTwo) {
        results.bytes.append(asBytes(std::string_view("\0\0", 2)));
        results.channels.push_back({{0, 0}, std::make_unique<TestSource>(seen_->first)});
        results.channels.push_back({{0, 1}, std::make_unique<TestSource>(seen_->second)});
      }
      if (id == kFlood) {
        results.bytes.append(std::uint8_t{0});
        results.channels.push_back(
            {{0}, std::make_unique<EndlessSource>(std::size_t{1} << 30, &seen_->flood_bytes)});
      }
      return Result<Values>(std::move(results));
    }
    void drop(ByteView) override {}

   private:
    using Shard = net::Shard;
    // Counts calls that run. The test hears of it in a later turn: it may end the server.
    class Running {
     public:
      explicit Running(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {
        seen_->running += 1;
        Shard::current()->post([seen = seen_] { seen->hanging.set(); });
      }
      Running(const Running&) = delete;
      Running& operator=(const Running&) = delete;
      ~Running() {
        seen_->running -= 1;
        Shard::current()->post([seen = seen_] { seen->released.set(); });
      }

     private:
      std::shared_ptr<Seen> seen_;
    };
    static Task<Result<Values>> hang(std::shared_ptr<Seen> seen) {
      const Running running(seen);
      Event never;
      co_await never.wait();
      co_return Values();
    }
    static Task<Result<Values>> waitForEnd(std::shared_ptr<Seen> seen, Values params) {
      const Running running(seen);
      const auto source = params.take({0});
      for (;;) {
        auto piece = co_await source->read();
        if (!piece) {
          seen->stream_error = piece.error();
          co_return std::unexpected(piece.error());
        }
        if (!*piece) break;
      }
      Values results;
      results.bytes.append(std::uint8_t{7});
      co_return results;
    }
    std::shared_ptr<Seen> seen_;
  };

  std::shared_ptr<Seen> seen_;
  Types types_;
};

// Keeps what was logged.
class TestLog final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const override { return level >= LogLevel::kInfo; }
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const LogField& field : fields) line += " " + std::string(field.key) + "=" + field.value;
    lines_.push_back(std::move(line));
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] bool mentions(std::string_view text) const {
    for (const std::string& line : lines_) {
      if (line.contains(text)) return true;
    }
    return false;
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace nimbus::wrpc
