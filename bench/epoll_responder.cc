// The least that answers HTTP/1.1 on one thread: a level-triggered epoll loop that looks for the
// end of each request's head, and nothing else, and answers with constant bytes. It is the limit
// that `constant_server`, our whole HTTP stack, is measured against; never expose it to a network.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "constant_answer.h"

namespace {

using nimbus::bench::kConstantAnswer;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kMaxUnsentBytes = 1024 * 1024;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string answerBytes() {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: " +
         std::to_string(kConstantAnswer.size()) + "\r\n\r\n" + std::string(kConstantAnswer);
}

// One accepted connection. Owns its socket.
class Connection {
 public:
  explicit Connection(int socket) : socket_(socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(socket_); }

  // Reads what is there and answers each complete head. False: the connection has ended.
  bool onReadable(const std::string& answer) {
    std::array<char, 16 * 1024> buffer;
    const ssize_t received = recv(socket_, buffer.data(), buffer.size(), 0);
    if (received < 0) return errno == EAGAIN || errno == EINTR;
    if (received == 0) return false;
    for (const char byte : std::string_view(buffer.data(), static_cast<std::size_t>(received))) {
      if (endsHead(byte)) unsent_ += answer;
    }
    return unsent_.size() <= kMaxUnsentBytes && flush();
  }

  // False: the connection has ended.
  bool flush() {
    while (!unsent_.empty()) {
      const ssize_t sent = send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  [[nodiscard]] std::uint32_t wantedEvents() const {
    return unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  }

 private:
  // Heads may be cut anywhere between two reads, so how much of the end was seen is kept.
  bool endsHead(char byte) {
    if (byte != kEndOfHead[matched_]) {
      matched_ = byte == '\r' ? 1 : 0;
      return false;
    }
    if (++matched_ < kEndOfHead.size()) return false;
    matched_ = 0;
    return true;
  }

  const int socket_;
  std::size_t matched_ = 0;
  std::string unsent_;
};

// The listening socket, the epoll set and all connections.
class Responder {
 public:
  Responder() : epoll_(epoll_create1(0)), listener_(listenOnLoopback()) {
    if (epoll_ < 0) die("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (ready < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        if (events[i].data.fd == listener_) {
          acceptOne();
        } else {
          serve(events[i].data.fd, events[i].events);
        }
      }
    }
  }

 private:
  static int listenOnLoopback() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || bind(listener, generic, size) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, generic, &size) != 0) {
      die("listen");
    }
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return listener;
  }

  void watch(int operation, int socket, std::uint32_t wanted) {
    epoll_event event{};
    event.events = wanted;
    event.data.fd = socket;
    if (epoll_ctl(epoll_, operation, socket, &event) != 0) die("epoll_ctl");
  }

  void acceptOne() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (socket < 0) return;
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.insert_or_assign(socket, std::make_unique<Connection>(socket));
    watch(EPOLL_CTL_ADD, socket, EPOLLIN);
  }

  void serve(int socket, std::uint32_t ready) {
    Connection& connection = *connections_.at(socket);
    const std::uint32_t wanted_before = connection.wantedEvents();
    const bool open = (ready & EPOLLIN) != 0
                          ? connection.onReadable(answer_)
                          : (ready & (EPOLLHUP | EPOLLERR)) == 0 && connection.flush();
    if (!open) {
      connections_.erase(socket);
    } else if (connection.wantedEvents() != wanted_before) {
      watch(EPOLL_CTL_MOD, socket, connection.wantedEvents());
    }
  }

  const int epoll_;
  const int listener_;
  const std::string answer_ = answerBytes();
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main() { Responder().run(); }
