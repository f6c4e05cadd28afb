#include "http/client_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace nimbus::http {
namespace {

constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};

}  // namespace

ScriptConnection::ScriptConnection(int fd) : fd_(fd) {
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
}

ScriptConnection::~ScriptConnection() { close(); }

void ScriptConnection::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string ScriptConnection::readHead() {
  for (;;) {
    if (const std::size_t end = ahead_.find("\r\n\r\n"); end != std::string::npos) {
      std::string head = ahead_.substr(0, end + 4);
      ahead_.erase(0, end + 4);
      return head;
    }
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return "incomplete: " + ahead_;
    ahead_.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string ScriptConnection::read(std::size_t count) {
  while (ahead_.size() < count) {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    ahead_.append(buffer, static_cast<std::size_t>(got));
  }
  std::string text = ahead_.substr(0, count);
  ahead_.erase(0, count);
  return text;
}

bool ScriptConnection::atEnd() {
  if (!ahead_.empty()) return false;
  char byte;
  const ssize_t got = ::recv(fd_, &byte, 1, 0);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

void ScriptConnection::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

ScriptServer::ScriptServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd_, 64), 0);
  EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

ScriptServer::~ScriptServer() { ::close(fd_); }

ScriptConnection ScriptServer::accept() {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(fd, 0) << "nobody connected";
  return ScriptConnection(fd);
}

void ClientTest::SetUp() {
  ShardTest::SetUp();
  resolver_.add("server.example", {*net::IpAddress::parse("127.0.0.1")});
  opened_ = metrics_.counter("nimbus_http_client_connections_opened_total", "");
  open_ = metrics_.gauge("nimbus_http_client_connections", "");
}

void ClientTest::TearDown() {
  scripts_.clear();
  if (!group_) return;
  group_->runOn(0, [this](net::Shard&) { client_.reset(); });
  group_.reset();
  EXPECT_EQ(open_->value(), 0) << "a connection was leaked";
}

Client& ClientTest::client() {
  if (!client_) {
    const auto make = [this](net::Shard& shard) {
      client_ = makeClient(shard, resolver_, tls_, limits_, metrics_);
    };
    if ((*group_)[0].onThread()) {
      make((*group_)[0]);
    } else {
      group_->runOn(0, make);
    }
  }
  return *client_;
}

void ClientTest::script(std::function<void(ScriptServer&)> play) {
  scripts_.emplace_back([this, play = std::move(play)] { play(server_); });
}

std::string ClientTest::authority() const {
  return "server.example:" + std::to_string(server_.port());
}

RequestHead ClientTest::request(std::string_view method, std::string_view path) const {
  RequestHead head;
  head.method = method;
  head.authority = authority();
  head.path = path;
  return head;
}

std::unique_ptr<ScriptBody> bodyOf(std::vector<std::string> pieces,
                                   std::optional<std::uint64_t> length) {
  struct State {
    std::vector<std::string> pieces;
    std::size_t next = 0;
    static Task<Result<std::optional<Bytes>>> read(std::shared_ptr<State> self) {
      if (self->next == self->pieces.size()) co_return std::nullopt;
      co_return Bytes::copyOf(self->pieces[self->next++]);
    }
  };
  auto state = std::make_shared<State>(std::move(pieces));
  return std::make_unique<ScriptBody>([state] { return State::read(state); }, length);
}

Task<Result<std::string>> readAll(BodyReader& body) {
  std::string text;
  for (;;) {
    CO_TRY(const auto piece, co_await body.read());
    if (!piece) co_return text;
    text += piece->text();
  }
}

}  // namespace nimbus::http
