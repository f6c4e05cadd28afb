#include "dev/server_difference.h"

#include <string_view>

namespace nimbus::dev {

std::vector<std::string> differingKeys(const ServerSettings& a, const ServerSettings& b) {
  std::vector<std::string> keys;
  const auto note = [&](bool differs, std::string_view key) {
    if (differs) keys.emplace_back(key);
  };
  note(a.address != b.address, "dev.address");
  note(a.tls_certificate != b.tls_certificate, "dev.tls_cert_path");
  note(a.tls_key != b.tls_key, "dev.tls_key_path");
  note(a.tls_client_ca != b.tls_client_ca, "dev.tls_ca_path");
  note(a.keyvalue_path != b.keyvalue_path, "dev.wasi_keyvalue_path");
  note(a.keyvalue_redis_url != b.keyvalue_redis_url, "dev.wasi_keyvalue_redis_url");
  note(a.keyvalue_nats_url != b.keyvalue_nats_url, "dev.wasi_keyvalue_nats_url");
  note(a.nats_url != b.nats_url, "dev.data_nats_url");
  note(a.system_roots != b.system_roots || a.web_roots != b.web_roots,
       "dev.http_client_trust_roots");
  note(a.client_ca_paths != b.client_ca_paths, "dev.http_client_ca_paths");
  note(a.connection_wait_ms != b.connection_wait_ms, "dev.http_connection_wait");
  note(a.max_outgoing_connections != b.max_outgoing_connections,
       "dev.max_outbound_http_connections_per_workload");
  note(a.max_outgoing_sockets != b.max_outgoing_sockets,
       "dev.max_outbound_socket_connections_per_workload");
  note(a.plain_registries != b.plain_registries, "dev.allow_insecure_registries");
  note(a.proposals != b.proposals, "dev.wasm_proposals");
  note(a.max_connections != b.max_connections, "dev.max_connections");
  return keys;
}

}  // namespace nimbus::dev
