// What wRPC over a Unix socket is measured against: blocking calls of the system and nothing else.
//
//   bare_socket serve PATH              echoes what a connection sends until it finishes
//   bare_socket call PATH CALLS BYTES   connects, sends, finishes, reads to the end, closes
//   bare_socket flood PATH              sends 1 GiB to each connection
//   bare_socket stream PATH             reads it

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kFloodBytes = std::size_t{1} << 30;
constexpr std::size_t kPieceBytes = 64 * 1024;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_un addressOf(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) die("path too long");
  std::strcpy(address.sun_path, path);
  return address;
}

int listenAt(const char* path) {
  const sockaddr_un address = addressOf(path);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  unlink(path);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(listener, 128) != 0) die("listen");
  std::printf("listening on unix:%s\n", path);
  std::fflush(stdout);
  return listener;
}

int connectTo(const char* path) {
  const sockaddr_un address = addressOf(path);
  const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("connect");
  }
  return connection;
}

void sendAll(int connection, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(connection, bytes, size, MSG_NOSIGNAL);
    if (sent < 0) return;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

[[noreturn]] void serve(const char* path) {
  const int listener = listenAt(path);
  std::vector<char> buffer(kPieceBytes);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    for (ssize_t count; (count = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
      sendAll(connection, buffer.data(), static_cast<std::size_t>(count));
    }
    close(connection);
  }
}

[[noreturn]] void flood(const char* path) {
  const int listener = listenAt(path);
  const std::string piece(kPieceBytes, 'x');
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    for (std::size_t sent = 0; sent < kFloodBytes; sent += kPieceBytes) {
      sendAll(connection, piece.data(), piece.size());
    }
    close(connection);
  }
}

std::size_t readToEnd(int connection, std::vector<char>& buffer) {
  std::size_t total = 0;
  for (ssize_t count; (count = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
    total += static_cast<std::size_t>(count);
  }
  return total;
}

void callOnce(const char* path, const std::string& bytes, std::vector<char>& buffer) {
  const int connection = connectTo(path);
  sendAll(connection, bytes.data(), bytes.size());
  shutdown(connection, SHUT_WR);
  if (readToEnd(connection, buffer) != bytes.size()) die("the echo is short");
  close(connection);
}

void call(const char* path, int calls, std::size_t size) {
  const std::string bytes(size, 'x');
  std::vector<char> buffer(kPieceBytes);
  for (int i = 0; i < calls / 10; ++i) callOnce(path, bytes, buffer);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) callOnce(path, bytes, buffer);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::printf("us_per_call %.3f\n", took.count() / calls);
}

void stream(const char* path) {
  std::vector<char> buffer(kPieceBytes);
  const auto start = std::chrono::steady_clock::now();
  const int connection = connectTo(path);
  if (readToEnd(connection, buffer) != kFloodBytes) die("the stream is short");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("mib_per_s %.1f max_rss_kib %ld\n", kFloodBytes / 1048576.0 / took.count(),
              usage.ru_maxrss);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "serve") serve(argv[2]);
  if (mode == "flood") flood(argv[2]);
  if (mode == "call" && argc == 5) {
    call(argv[2], std::atoi(argv[3]), static_cast<std::size_t>(std::atoll(argv[4])));
  } else if (mode == "stream") {
    stream(argv[2]);
  } else {
    std::fprintf(stderr, "usage: bare_socket serve|flood|call|stream PATH [CALLS BYTES]\n");
    return 2;
  }
}
