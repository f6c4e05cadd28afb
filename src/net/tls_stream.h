#pragma once

#include <optional>

#include "base/sync.h"
#include "net/shard.h"
#include "net/stream.h"
#include "net/tls_support.h"

namespace nimbus::net {

// One end of a TLS connection over any stream. Internal to src/net.
//
// OpenSSL reads from `input_`, which read() fills from the inner stream, and writes straight to the
// inner stream; only what that does not take at once is kept in `output_` (one record, and a few
// messages of OpenSSL's own). So OpenSSL never has to wait for writing, whatever tryWrite() took is
// really on its way, and a task of the stream's own sends the rest of `output_` in the background.
//
// Messages that carry no content, such as changes of keys (RFC 8446 4.6.3), cost work and may ask
// for answers. OpenSSL hands back control after each of them: a few are handled per turn of the
// loop, none while too many answers wait to be sent, and too many in a row break the stream.
class TlsStream final : public Stream, private Deferred {
 public:
  // `keep` lives as long as the stream: what callbacks of the SSL object point at.
  TlsStream(Shard& shard, SslPtr ssl, std::unique_ptr<Stream> inner,
            std::shared_ptr<const void> keep);
  ~TlsStream() override;

  // First, once. Errors: kPermissionDenied (a certificate was not accepted or not shown),
  // kProtocol, kIo, kCancelled.
  Task<Result<void>> handshake();

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override;
  Task<Result<void>> readable() override;
  Result<std::size_t> tryWrite(ByteView bytes) override;
  Task<Result<void>> writable() override;
  Task<Result<void>> shutdownWrite() override;
  void close() override;
  void reset() override;
  Task<void> gone() override { return inner_->gone(); }
  const PeerInfo& peer() const override { return peer_; }

 private:
  friend struct TlsBio;
  enum class Step { kDone, kEnded, kNeedsInput, kWithoutContent, kFailed };

  Step stepAfter(int result);
  Step broke(Error error);
  Error handshakeError();
  [[nodiscard]] Result<void> usable() const;
  Task<Result<void>> fill();
  Task<void> handledWithoutContent();
  void describePeer();

  int takeInput(char* into, int size);
  void send(ByteView bytes);
  void pushOutput();
  void stopSending(Error error);
  [[nodiscard]] Result<void> canWrite() const;
  void flushInBackground();
  Task<void> flush();
  void runDeferred() override;

  Shard& shard_;
  std::shared_ptr<const void> keep_;
  std::unique_ptr<Stream> inner_;
  SslPtr ssl_;
  PeerInfo peer_;
  bool closed_ = false;
  bool inner_ended_ = false;     // the transport's end was read
  std::optional<Error> broken_;  // OpenSSL must not be called again
  // The transport takes nothing any more. What the peer sent before can still be read, such as an
  // answer that came early.
  std::optional<Error> write_failed_;

  std::unique_ptr<std::uint8_t[]> input_;  // null while the connection is idle
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  bool starved_ = false;               // OpenSSL asked for more than there was
  bool took_input_ = false;            // … or took something
  unsigned without_content_ = 0;       // messages in a row
  unsigned without_content_turn_ = 0;  // calls into OpenSSL since others had their turn

  std::vector<std::uint8_t> output_;
  std::size_t output_begin_ = 0;
  bool flushing_ = false;
  Event flushed_;                    // level: output_ is empty, or will not be sent any more
  std::optional<Task<void>> flush_;  // last: destroyed before what it uses
};

}  // namespace nimbus::net
