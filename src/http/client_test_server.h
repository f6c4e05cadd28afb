#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/metrics.h"
#include "http/client.h"
#include "net/test_support.h"

namespace nimbus::http {

// One accepted connection in the hands of a script: blocking, with a limit on patience.
class ScriptConnection {
 public:
  explicit ScriptConnection(int fd);
  ScriptConnection(ScriptConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~ScriptConnection();

  // Everything up to and with the empty line.
  [[nodiscard]] std::string readHead();
  [[nodiscard]] std::string read(std::size_t count);
  // True if the client closes without saying more.
  [[nodiscard]] bool atEnd();
  void send(std::string_view text);
  void close();
  // The socket, which is somebody else's from now on.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
  std::string ahead_;
};

// A listening socket on loopback.
class ScriptServer {
 public:
  ScriptServer();
  ~ScriptServer();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] ScriptConnection accept();

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

// A client on a shard, and scripts that play its servers on threads of their own. The name
// "server.example" leads to loopback.
class ClientTest : public net::ShardTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Made at the first use, so that a test can set the limits before.
  Client& client();
  void script(std::function<void(ScriptServer&)> play);
  // Waits until all scripts are done.
  void finish() { scripts_.clear(); }

  [[nodiscard]] RequestHead request(std::string_view method, std::string_view path) const;
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] std::uint64_t opened() { return opened_->value(); }

  ScriptServer server_;
  ClientLimits limits_;
  RequestOptions options_;
  ClientStage stage_ = ClientStage::kCheck;  // for options_
  net::FixedResolver resolver_;
  MetricRegistry metrics_;
  std::shared_ptr<Counter> opened_;
  std::shared_ptr<Gauge> open_;
  std::shared_ptr<net::TlsClientContext> tls_;
  std::unique_ptr<Client> client_;
  std::vector<std::jthread> scripts_;
};

// Content given out in pieces by a function; says what a test wants it to say.
class ScriptBody final : public BodyReader {
 public:
  using Next = std::function<Task<Result<std::optional<Bytes>>>()>;
  explicit ScriptBody(Next next, std::optional<std::uint64_t> length = std::nullopt)
      : next_(std::move(next)), length_(length) {}
  [[nodiscard]] Task<Result<std::optional<Bytes>>> read() override { return next_(); }
  [[nodiscard]] bool empty() const override { return false; }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }
  [[nodiscard]] const Headers& trailers() const override { return trailers_out; }

  Headers trailers_out;

 private:
  Next next_;
  std::optional<std::uint64_t> length_;
};

// These pieces, then the end.
[[nodiscard]] std::unique_ptr<ScriptBody> bodyOf(
    std::vector<std::string> pieces, std::optional<std::uint64_t> length = std::nullopt);

[[nodiscard]] Task<Result<std::string>> readAll(BodyReader& body);

}  // namespace nimbus::http
