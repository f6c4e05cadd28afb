#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/client.h"
#include "net/blocking_worker.h"
#include "net/shard.h"
#include "oci/attempt.h"
#include "oci/credentials.h"

namespace nimbus::oci {

// What talking to registries needs; all of it outlives whoever is given it. Of one shard.
struct RegistryEnvironment {
  net::Shard& shard;
  http::Client& client;
  net::BlockingWorker& worker;  // asks `credentials`
  CredentialSource& credentials;
};

struct RegistryOptions {
  bool insecure = false;                 // plain HTTP instead of HTTPS
  std::optional<Credential> credential;  // before any of the environment's
  Duration connect_timeout = std::chrono::seconds(10);
  Duration answer_timeout = std::chrono::seconds(60);
  Duration stall_timeout = std::chrono::seconds(30);  // no byte comes or goes
  std::uint64_t max_blob_bytes = 256ULL << 20;
  // Larger blobs are uploaded in pieces of this size, so that a broken connection does not cost all
  // that was sent.
  std::uint64_t upload_piece_bytes = 64ULL << 20;
  // What may help with a registry without TLS, and with one whose certificate is not trusted.
  std::string plain_advice = "say --insecure";
  std::string trust_advice = "--ca-path names more certificate authorities";
  RetryPolicy retry;  // without a `pause` that of the shard is used
};

}  // namespace nimbus::oci
