#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::net {

struct TlsCertificate {
  std::string certificate_path;  // PEM chain, leaf first
  std::string key_path;          // PEM
};

struct TlsServerOptions {
  // By SNI: the certificate whose subject alternative names (exact or *.suffix) match; the first
  // otherwise.
  std::vector<TlsCertificate> certificates;
  // Not empty: clients must show a certificate signed by one of these (PEM), or are refused.
  std::string client_ca_path;
  std::vector<std::string> alpn;  // in order of preference, such as {"h2", "http/1.1"}
};

// Server side of TLS 1.2 and 1.3, shared by all shards; thread safe.
class TlsServerContext {
 public:
  virtual ~TlsServerContext() = default;
  // Reads the files again if any of them changed (modification time, size, inode); handshakes
  // after that use the new ones. Where a pair, or the client CA, does not load, the old one stays
  // beside those that do, and the error says why. True if something was replaced. What does not
  // load is tried again each time, and reported once for each change. Never waits for a FIFO or a
  // device in a file's place.
  [[nodiscard]] virtual Result<bool> reloadIfChanged() = 0;
  // Takes over a connected stream of the calling shard; returns after the handshake. Errors:
  // kDeadlineExceeded, kPermissionDenied (no acceptable client certificate), kProtocol, kIo. Of the
  // TLS stream, read() fails with kIo where the peer's bytes end without close_notify, and close()
  // sends none.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> accept(
      std::unique_ptr<Stream> stream, Duration handshake_timeout) = 0;
};
[[nodiscard]] Result<std::shared_ptr<TlsServerContext>> makeTlsServerContext(
    TlsServerOptions options);

struct TlsClientOptions {
  bool system_roots = true;
  // Certificates of further authorities, DER; they live as long as whoever may make the context.
  std::vector<std::string_view> der_roots;
  std::vector<std::string> extra_ca_paths;  // PEM files
  // Own identity for servers that ask for one; empty paths mean none.
  TlsCertificate identity;
};

// Client side; always verifies the chain and the name (DNS name or IP address). Thread safe.
class TlsClientContext {
 public:
  virtual ~TlsClientContext() = default;
  // Takes over a connected stream of the calling shard; returns after the handshake. No time limit
  // of its own: destroying the task gives up. Errors: kPermissionDenied (the server's certificate
  // is not accepted), kInvalidArgument (no name to verify), kProtocol, kIo.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> connect(
      std::unique_ptr<Stream> stream, std::string server_name, std::vector<std::string> alpn) = 0;
};
[[nodiscard]] Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(
    TlsClientOptions options);

}  // namespace nimbus::net
