#include "project/doctor_network.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/files.h"
#include "base/text.h"
#include "net/address.h"

namespace nimbus::project {
namespace {

constexpr int kWaitMs = 2000;
constexpr std::string_view kDefaultPort = "4222";

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

SocketAddress socketAddress(const net::Endpoint& endpoint) {
  SocketAddress address;
  const auto& bytes = endpoint.address.bytes();
  if (endpoint.address.isV4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), 4);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.bytes = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), 16);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.bytes = sizeof v6;
  }
  return address;
}

// "nats://user:password@host:port/…" -> host and port.
std::pair<std::string, std::string> hostAndPort(std::string_view url) {
  url.remove_prefix(std::min(url.size(), url.find("://") == std::string_view::npos
                                             ? std::size_t{0}
                                             : url.find("://") + 3));
  url = url.substr(0, url.find_first_of("/,?"));
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos)
    url.remove_prefix(at + 1);
  const bool bracket = url.starts_with('[') && url.contains(']');
  const std::string_view host =
      bracket ? url.substr(1, url.find(']') - 1) : url.substr(0, url.find(':'));
  const std::string_view rest = bracket ? url.substr(url.find(']') + 1) : url.substr(host.size());
  return {std::string(host), std::string(rest.starts_with(':') ? rest.substr(1) : kDefaultPort)};
}

bool isReady(int socket, short events) {
  pollfd wait{socket, events, 0};
  int ready = 0;
  while ((ready = ::poll(&wait, 1, kWaitMs)) < 0 && errno == EINTR) {
  }
  return ready == 1;
}

Result<void> connectTo(int socket, const addrinfo& address) {
  if (::connect(socket, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return failErrno("cannot connect", errno);
  if (!isReady(socket, POLLOUT))
    return fail(ErrorCode::kDeadlineExceeded, "no connection within two seconds");
  int error = 0;
  socklen_t bytes = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error != 0) return failErrno("cannot connect", error);
  return {};
}

// A server begins with a line "INFO {…}", before TLS as well.
Result<void> expectGreeting(int socket) {
  std::array<char, 5> begin{};
  std::size_t read = 0;
  while (read < begin.size()) {
    if (!isReady(socket, POLLIN))
      return fail(ErrorCode::kDeadlineExceeded, "no greeting within two seconds");
    const ssize_t count = ::read(socket, begin.data() + read, begin.size() - read);
    if (count <= 0) return fail(ErrorCode::kUnavailable, "the connection ends without a greeting");
    read += static_cast<std::size_t>(count);
  }
  if (std::string_view(begin.data(), begin.size()) != "INFO ")
    return fail(ErrorCode::kProtocol, "what answers there is no NATS server");
  return {};
}

}  // namespace

Result<void> SystemDoctorNetwork::canListen(const std::string& address) {
  TRY(const net::Endpoint endpoint, net::Endpoint::parse(address));
  if (!endpoint.unix_path.empty() || endpoint.port == 0) return {};
  const SocketAddress at = socketAddress(endpoint);
  const UniqueFd socket(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return failErrno("no socket", errno);
  const int on = 1;  // connections that are ending are no hindrance
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.bytes) != 0 ||
      ::listen(socket.get(), 1) != 0)
    return failErrno("the address cannot be taken", errno);
  return {};
}

Result<void> SystemDoctorNetwork::natsAnswers(const std::string& url) {
  const auto [host, port] = hostAndPort(url);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list); error != 0)
    return fail(ErrorCode::kUnavailable, host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  Result<void> outcome = fail(ErrorCode::kUnavailable, host + " has no address");
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) {
    const UniqueFd socket(
        ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) continue;
    outcome = connectTo(socket.get(), *address);
    if (outcome) return expectGreeting(socket.get());
  }
  return outcome;
}

}  // namespace nimbus::project
