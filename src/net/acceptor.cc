#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/check.h"
#include "net/descriptors.h"
#include "net/fd_watch.h"
#include "net/listen_socket.h"
#include "net/socket.h"
#include "net/socket_address.h"
#include "net/socket_stream.h"

namespace nimbus::net {
namespace {

// Connections taken per wake-up before others get their turn.
constexpr int kMaxAcceptsPerTurn = 64;
// Out of descriptors or memory: how long to leave new connections in the kernel's queue.
constexpr auto kPause = std::chrono::milliseconds(100);

class SocketAcceptor final : public Acceptor, private FdWatch::Waiter, private Deferred {
 public:
  SocketAcceptor(Shard& shard, std::unique_ptr<BoundSocket> socket, FdWatch watch,
                 std::function<void(std::unique_ptr<Stream>)> accepted)
      : shard_(shard),
        socket_(std::move(socket)),
        watch_(std::move(watch)),
        accepted_(std::make_shared<Accepted>(std::move(accepted))),
        pause_(shard, [this] { acceptSome(); }) {
    listen();
  }
  ~SocketAcceptor() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  void stop() override {
    if (stopping_ || watch_.closed()) return;
    stopping_ = true;
    pause_.disarm();
    shard_.defer(*this);
  }

 private:
  using Accepted = std::function<void(std::unique_ptr<Stream>)>;
  enum class Outcome { kAccepted, kDrained, kExhausted, kDestroyed };

  void listen() { watch_.wait(FdWatch::Direction::kRead, *this); }
  void ready() override {
    if (!stopping_) acceptSome();
  }

  void acceptSome() {
    for (int count = 0; count < kMaxAcceptsPerTurn; ++count) {
      const Outcome outcome = acceptOne();
      if (outcome == Outcome::kDestroyed || stopping_) return;
      if (outcome == Outcome::kExhausted) return pause_.armAfter(kPause);
      if (outcome == Outcome::kDrained) {
        // The system tells of what comes from now on: nothing to ask it for.
        watch_.drained();
        return watch_.waitForNews(*this);
      }
    }
    listen();
  }

  // After stop(): everything that the kernel holds, then the end.
  void runDeferred() override {
    for (;;) {
      const Outcome outcome = acceptOne();
      if (outcome == Outcome::kDestroyed) return;
      if (outcome != Outcome::kAccepted) break;
    }
    watch_.close();
    socket_.reset();
  }

  Outcome acceptOne() {
    for (;;) {
      SocketAddress address;
      UniqueFd fd(
          ::accept4(watch_.fd(), address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.valid()) return handOver(std::move(fd), address);
      switch (errno) {
        case EAGAIN: return Outcome::kDrained;
        case EMFILE:
        case ENFILE: noteDescriptorShortage(); return Outcome::kExhausted;
        case ENOBUFS:
        case ENOMEM: return Outcome::kExhausted;
        case EBADF:
        case EINVAL:
        case ENOTSOCK: NIMBUS_CHECK(!"accept4 on something that does not listen");
        default: break;  // that connection failed on its way (accept(2)); the next one may be fine
      }
    }
  }

  Outcome handOver(UniqueFd fd, const SocketAddress& address) {
    auto watch = FdWatch::open(shard_, std::move(fd));
    if (!watch) return Outcome::kExhausted;
    PeerInfo peer;
    peer.address = describePeer(address);
    bool destroyed = false;
    destroyed_ = &destroyed;
    // Held, because the callback may destroy the acceptor.
    const std::shared_ptr<Accepted> accepted = accepted_;
    (*accepted)(std::make_unique<SocketStream>(std::move(*watch), std::move(peer)));
    if (destroyed) return Outcome::kDestroyed;
    destroyed_ = nullptr;
    return Outcome::kAccepted;
  }

  Shard& shard_;
  std::unique_ptr<BoundSocket> socket_;  // keeps the file of a Unix socket
  FdWatch watch_;
  std::shared_ptr<Accepted> accepted_;
  Timer pause_;
  bool stopping_ = false;
  bool* destroyed_ = nullptr;
};

}  // namespace

std::unique_ptr<Acceptor> makeAcceptor(Shard& shard, std::unique_ptr<ListenSocket> socket,
                                       std::function<void(std::unique_ptr<Stream>)> accepted) {
  NIMBUS_CHECK(shard.onThread());
  std::unique_ptr<BoundSocket> bound(dynamic_cast<BoundSocket*>(socket.release()));
  NIMBUS_CHECK(bound != nullptr);
  auto watch = FdWatch::open(shard, bound->takeFd());
  NIMBUS_CHECK(watch.has_value());
  return std::make_unique<SocketAcceptor>(shard, std::move(bound), std::move(*watch),
                                          std::move(accepted));
}

}  // namespace nimbus::net
