#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace nimbus::nats {

// Where a NATS server is and who we are to it. Files are read when connecting, and again when
// reconnecting.
struct TlsOptions {
  std::string ca_file = {};           // empty: the system's authorities
  std::string certificate_file = {};  // with key_file: shown to the server
  std::string key_file = {};
  std::string expected_host = {};  // empty: the host of the URL
};

struct ConnectOptions {
  // "nats://host:4222" or "tls://…"; the first that answers is used, in this order.
  std::vector<std::string> servers = {"nats://127.0.0.1:4222"};
  // What the server shows in its list of connections.
  std::string name = "nimbus";

  // At most one of these ways to say who we are; one in the URL also counts.
  std::string user = {};
  std::string password = {};
  std::string password_file = {};  // instead of the password itself
  std::string token = {};
  std::string token_file = {};        // instead of the token itself
  std::string credentials_file = {};  // JWT and seed, as `nsc` writes it
  std::string nkey = {};              // public key ("U…"), with the seed in nkey_seed_file
  std::string nkey_seed_file = {};

  // Set also for tls:// and if the server demands it.
  std::optional<TlsOptions> tls = {};

  Duration connect_timeout = std::chrono::seconds(2);
  // After a lost connection: each server is tried so often, with this pause between rounds.
  // Negative: for ever.
  int max_reconnects = -1;
  Duration reconnect_wait = std::chrono::milliseconds(250);
  // A server that does not answer two of these in a row is given up.
  Duration ping_interval = std::chrono::seconds(20);

  // What may wait to be written; a publication beyond it is refused.
  std::size_t max_buffered_bytes = 16 * 1024 * 1024;
  std::string inbox_prefix = "_INBOX";
};

// Whether one could connect so: servers, one identity that is complete, files that can be read.
// Blocks. kInvalidArgument or kUnavailable with what is wrong.
[[nodiscard]] Result<void> checkOptions(const ConnectOptions& options);

}  // namespace nimbus::nats
