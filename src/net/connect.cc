#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/fd_watch.h"
#include "net/socket.h"
#include "net/socket_address.h"
#include "net/socket_stream.h"

namespace nimbus::net {
namespace {

// A Unix socket whose queue is full refuses at once instead of waiting: tried again this often.
constexpr auto kRetryUnix = std::chrono::milliseconds(5);
constexpr int kMaxUnixRetries = 1000;

std::unexpected<Error> cannotConnect(const Endpoint& where, int error) {
  const std::string message =
      failErrno("cannot connect to " + where.toString(), error).error().message();
  switch (error) {
    case EACCES:
    case EPERM: return fail(ErrorCode::kPermissionDenied, message);
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ETIMEDOUT:
    case ENOENT:
    case EAGAIN: return fail(ErrorCode::kUnavailable, message);
    default: return fail(ErrorCode::kIo, message);
  }
}

int pendingError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

// Zero, EINPROGRESS, or the errno value why not.
Task<int> startConnecting(Shard& shard, int fd, SocketAddress address) {
  for (int attempt = 0;; ++attempt) {
    if (::connect(fd, address.get(), address.size) == 0) co_return 0;
    if (errno == EINTR) co_return EINPROGRESS;
    if (errno != EAGAIN || attempt == kMaxUnixRetries) co_return errno;
    co_await shard.sleepFor(kRetryUnix);
  }
}

// Zero, or the errno value why not.
Task<int> finishConnecting(FdWatch& watch) {
  for (;;) {
    co_await watch.writable();
    if (const int error = pendingError(watch.fd()); error != 0) co_return error;
    SocketAddress peer;
    if (::getpeername(watch.fd(), peer.get(), &peer.size) == 0) co_return 0;
    if (errno != ENOTCONN) co_return errno;  // not connected yet: a spurious wake-up
  }
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connectTo(Shard& shard, Endpoint where) {
  CO_TRY(const SocketAddress address, toSocketAddress(where));
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) co_return failErrno("cannot make a socket", errno);
  if (address.family() != AF_UNIX) {
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  int error = co_await startConnecting(shard, fd.get(), address);
  if (error != 0 && error != EINPROGRESS) co_return cannotConnect(where, error);
  // Not before: a socket without a peer counts as hung up.
  CO_TRY(FdWatch watch, FdWatch::open(shard, std::move(fd)));
  if (error == 0) {
    watch.drained();  // what comes from now on is told
  } else if (error = co_await finishConnecting(watch); error != 0) {
    co_return cannotConnect(where, error);
  }
  PeerInfo peer;
  peer.address = describePeer(address);
  co_return std::make_unique<SocketStream>(std::move(watch), std::move(peer));
}

}  // namespace nimbus::net
