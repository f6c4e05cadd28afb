#include "net/socket_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"

namespace nimbus::net {
namespace {

std::unexpected<Error> closedHere() {
  return fail(ErrorCode::kCancelled, "the connection was closed on this side");
}

// Pieces that one system call takes; more are for the next one.
constexpr std::size_t kMaxPieces = 32;

bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Task<Result<std::size_t>> SocketStream::read(std::span<std::uint8_t> into) {
  NIMBUS_CHECK(!into.empty());
  for (;;) {
    co_await watch_.readable();
    if (watch_.closed()) co_return closedHere();
    const ssize_t count = ::recv(watch_.fd(), into.data(), into.size(), MSG_DONTWAIT);
    if (count > 0) {
      const auto got = static_cast<std::size_t>(count);
      // Less than asked for is all there was. Except at the end: of the peer's bytes and its end
      // the system may have told at once, so the end is looked for until it is found.
      if (got < into.size() && !watch_.peerFinished()) watch_.drained();
      co_return got;
    }
    if (count == 0) co_return std::size_t{0};
    if (wouldBlock(errno)) {
      watch_.drained();
    } else if (errno != EINTR) {
      co_return failErrno("cannot read from the peer", errno);
    }
  }
}

bool SocketStream::peekFindsSomething() const {
  char byte;
  for (;;) {
    if (::recv(watch_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return true;
    if (errno != EINTR) return !wouldBlock(errno);  // a broken connection is found by read()
  }
}

Task<Result<void>> SocketStream::readable() {
  if (watch_.closed()) co_return closedHere();
  if (watch_.mayRead()) {
    if (peekFindsSomething()) co_return Result<void>{};
    watch_.drained();
  }
  co_await watch_.readable();
  if (watch_.closed()) co_return closedHere();
  co_return Result<void>{};
}

Result<std::size_t> SocketStream::tryWrite(ByteView bytes) {
  if (watch_.closed()) return closedHere();
  if (bytes.empty()) return 0;
  for (;;) {
    const ssize_t count =
        ::send(watch_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (wouldBlock(errno)) return 0;
    if (errno != EINTR) return failErrno("cannot write to the peer", errno);
  }
}

Result<std::size_t> SocketStream::tryWritePieces(std::span<const ByteView> pieces) {
  if (watch_.closed()) return closedHere();
  std::array<iovec, kMaxPieces> vectors;
  const std::size_t count = std::min(pieces.size(), kMaxPieces);
  for (std::size_t i = 0; i < count; ++i) {
    // The system only reads there, but its type knows no const.
    vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t sent = ::sendmsg(watch_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (wouldBlock(errno)) return 0;
    if (errno != EINTR) return failErrno("cannot write to the peer", errno);
  }
}

Task<Result<void>> SocketStream::writable() {
  if (watch_.closed()) co_return closedHere();
  co_await watch_.writable();
  if (watch_.closed()) co_return closedHere();
  co_return Result<void>{};
}

Task<Result<void>> SocketStream::shutdownWrite() {
  if (watch_.closed()) co_return closedHere();
  if (::shutdown(watch_.fd(), SHUT_WR) != 0) {
    co_return failErrno("cannot finish sending to the peer", errno);
  }
  co_return Result<void>{};
}

void SocketStream::reset() {
  if (watch_.closed()) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(watch_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  watch_.close();
}

Task<void> SocketStream::gone() {
  while (!watch_.closed() && !watch_.hungUp()) co_await watch_.news();
}

}  // namespace nimbus::net
