#pragma once

#include "net/fd_watch.h"
#include "net/stream.h"

namespace nimbus::net {

// A connected TCP or Unix socket. Internal to src/net. System calls are tried before waiting,
// except where the last one showed that there is nothing left: a request on a connection that is
// kept alive costs one wait, one recv and one send.
class SocketStream final : public Stream {
 public:
  SocketStream(FdWatch watch, PeerInfo peer) : watch_(std::move(watch)), peer_(std::move(peer)) {}

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override;
  Task<Result<void>> readable() override;
  Result<std::size_t> tryWrite(ByteView bytes) override;
  Result<std::size_t> tryWritePieces(std::span<const ByteView> pieces) override;
  Task<Result<void>> writable() override;
  Task<Result<void>> shutdownWrite() override;
  void close() override { watch_.close(); }
  void reset() override;
  Task<void> gone() override;
  const PeerInfo& peer() const override { return peer_; }

 private:
  [[nodiscard]] bool peekFindsSomething() const;

  FdWatch watch_;
  PeerInfo peer_;
};

}  // namespace nimbus::net
