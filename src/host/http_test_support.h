#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "http/handler.h"

// For the tests of this folder only: the two ends of an HTTP exchange without a connection.
namespace nimbus::host {

// Content that a test supplies. read() waits while there is nothing and no end.
class FakeBody final : public http::BodyReader {
 public:
  void add(std::string_view text) {
    pieces_.push_back(Bytes::copyOf(text));
    arrived_.set();
  }
  void end() {
    ended_ = true;
    arrived_.set();
  }
  void fail() {
    failed_ = true;
    arrived_.set();
  }

  Task<Result<std::optional<Bytes>>> read() override {
    ++reading;
    most_reading = std::max(most_reading, reading);
    const Reading count(*this);
    while (pieces_.empty() && !ended_ && !failed_) {
      arrived_.clear();
      co_await arrived_.wait();
    }
    if (!pieces_.empty()) {
      Bytes piece = std::move(pieces_.front());
      pieces_.pop_front();
      co_return std::optional(std::move(piece));
    }
    if (failed_) co_return fail(ErrorCode::kCancelled, "the client is gone");
    co_return std::optional<Bytes>();
  }
  [[nodiscard]] bool empty() const override { return false; }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }

  http::Headers trailers_;
  std::size_t reading = 0;
  std::size_t most_reading = 0;
  [[nodiscard]] std::size_t unread() const { return pieces_.size(); }

 private:
  struct Reading {
    explicit Reading(FakeBody& body) : body_(body) {}
    ~Reading() { --body_.reading; }
    FakeBody& body_;
  };
  static std::unexpected<Error> fail(ErrorCode code, std::string text) {
    return nimbus::fail(code, std::move(text));
  }

  std::deque<Bytes> pieces_;
  bool ended_ = false;
  bool failed_ = false;
  Event arrived_;
};

// Writes down what it is told, as "200 [length] {content} end" and so on.
class FakeResponse final : public http::ResponseWriter {
 public:
  void sendHead(const http::ResponseHead& head, std::optional<std::uint64_t> length) override {
    head_sent_ = true;
    told += std::to_string(head.status);
    if (length) told += " [" + std::to_string(*length) + "]";
    if (const auto after = head.headers.find("retry-after")) {
      told += " retry-after " + std::string(*after);
    }
    changed.set();
  }
  Task<Result<void>> write(Bytes bytes) override {
    while (hold) {
      let_go.clear();
      co_await let_go.wait();
    }
    if (gone) co_return fail(ErrorCode::kIo, "the client is gone");
    told += " {" + std::string(bytes.text()) + "}";
    written_bytes += bytes.size();
    changed.set();
    co_return Result<void>();
  }
  Task<Result<void>> write(ByteView bytes) override { return write(Bytes::copyOf(bytes)); }
  void finish(const http::Headers& trailers) override {
    told += trailers.empty() ? " end" : " end with " + std::string(trailers[0].name);
    changed.set();
  }
  void abort() override {
    told += " abort";
    changed.set();
  }
  [[nodiscard]] bool headSent() const override { return head_sent_; }

  std::string told;
  std::uint64_t written_bytes = 0;
  bool hold = false;  // write() waits for let_go
  bool gone = false;  // write() fails
  Event let_go;
  Event changed;

 private:
  bool head_sent_ = false;
};

}  // namespace nimbus::host
