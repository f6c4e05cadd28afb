#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace nimbus::net {

// Who is at the other end.
struct PeerInfo {
  std::string address;  // "127.0.0.1:4711", "[::1]:4711", or "unix"
  bool tls = false;
  std::string alpn;            // protocol negotiated by TLS, such as "h2"; else empty
  std::string server_name;     // SNI the client asked for; else empty
  std::string client_subject;  // subject of a verified client certificate; else empty
};

// A connected byte stream (TCP, Unix socket, TLS) of one shard. At most one read and one write
// may be outstanding at a time; they may overlap each other. Destroying a pending read or write
// task cancels it; the stream can then only be closed. Destroying the stream closes it.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Waits for at least one byte; 0 means the peer finished sending. Errors: kIo, kCancelled.
  [[nodiscard]] virtual Task<Result<std::size_t>> read(std::span<std::uint8_t> into) = 0;

  // Suspends until read() would make progress, without holding a buffer meanwhile: for idle
  // connections. Destroying this task harms nothing: the stream can be read on.
  [[nodiscard]] virtual Task<Result<void>> readable() = 0;

  // Takes as many bytes as fit now without waiting; 0 when none do.
  [[nodiscard]] virtual Result<std::size_t> tryWrite(ByteView bytes) = 0;

  // The same for pieces that follow each other, with one system call where the stream can.
  [[nodiscard]] virtual Result<std::size_t> tryWritePieces(std::span<const ByteView> pieces);

  // Suspends until tryWrite() would take something.
  [[nodiscard]] virtual Task<Result<void>> writable() = 0;

  // Writes everything.
  [[nodiscard]] Task<Result<void>> writeAll(ByteView bytes);

  // Tells the peer that nothing more comes (TCP FIN, TLS close_notify).
  [[nodiscard]] virtual Task<Result<void>> shutdownWrite() = 0;

  // Ends both directions at once; pending operations complete with kCancelled.
  virtual void close() = 0;

  // The same after shutdownWrite(), as far as that goes without waiting: for an end that is no
  // abort, when nothing is unsent.
  void closeOrderly();

  // As close(), but a TCP peer is told at once that nobody is interested any more (RST), also if
  // both sides had finished sending. What it has not received yet may be lost.
  virtual void reset() { close(); }

  // Suspends until the peer has gone, or reset the connection, so that nothing that is sent would
  // arrive. Its having finished sending is not that. A stream that cannot tell waits for ever. Only
  // while no read is outstanding; destroying this task harms nothing.
  [[nodiscard]] virtual Task<void> gone();

  [[nodiscard]] virtual const PeerInfo& peer() const = 0;
};

}  // namespace nimbus::net
