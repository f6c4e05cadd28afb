#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "capability/keyvalue/memory/memory_store.h"
#include "capability/keyvalue/nats/nats_store.h"
#include "capability/keyvalue/redis/redis_options.h"
#include "capability/keyvalue/store.h"
#include "engine/engine.h"
#include "host/admin/workload_metrics.h"
#include "host/calls/call_policy.h"
#include "host/control/workload_manager.h"
#include "host/deploy/images.h"
#include "host/egress/egress.h"
#include "http/client.h"
#include "http/server.h"
#include "nats/connect_options.h"
#include "net/address.h"
#include "net/tls.h"

namespace nimbus::host {

struct ListenerConfig {
  net::Endpoint address;
  std::optional<std::uint32_t> mode;  // of a Unix socket's file; without: 0600
  std::optional<net::TlsServerOptions> tls;
};

struct AdminConfig {
  std::string socket;                    // path; empty: none
  std::optional<net::Endpoint> address;  // TCP; then there is a token file
  std::string token_file;
};

struct AccessLogConfig {
  std::string path;  // empty: none; "-": standard output
  LogFormat format = LogFormat::kText;
};

// More threads that serve are a mistake, not a machine.
inline constexpr std::size_t kMaxShards = 1024;

// Everything an operator can set for `wash host`, by its file (docs/host-config.md). What the file
// leaves out keeps the defaults below, or those of whoever reads it.
struct HostConfig {
  std::vector<ListenerConfig> listeners;  // empty: the command decides
  http::ServerLimits http_limits;
  std::optional<net::Endpoint> probe;
  AdminConfig admin;
  std::string workloads_folder;  // empty: none is followed
  std::string state_folder;      // empty: applied workloads end with the process
  std::string volumes_folder;    // of ephemeral volumes; empty: below the temporary folder
  std::size_t shards = 0;        // 0: one per core

  AccessLogConfig access_log;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  MetricDetail metric_detail = MetricDetail::kByComponent;

  CallPolicy defaults;                      // for what a manifest leaves out
  std::uint64_t volume_bytes = 1ULL << 30;  // likewise: of an ephemeral volume
  engine::EngineOptions engine;  // its max_instances is also that of all workloads together
  ManagerOptions manager;
  std::uint64_t max_sockets = 16'384;                 // of all guests
  std::uint64_t max_files = 16'384;                   // that all guests have open
  std::optional<std::uint64_t> max_outgoing_sockets;  // of one workload; none: no such limit
  std::uint64_t max_component_bytes = 256ULL << 20;
  std::size_t max_concurrent_starts = 2;  // components compiled, and workloads prepared beside them

  ImageOptions images;  // its max_bytes is max_component_bytes

  EgressOptions egress;
  net::TlsClientOptions client_tls;
  http::ClientLimits client;

  // Of a keyspace where the manifest says nothing; in keyvalue-memory with other bytes.
  keyvalue::Quota keyvalue_quota = {.max_bytes = 1ULL << 30, .max_keys = 10'000'000};
  std::uint64_t keyvalue_memory_bytes = 64ULL << 20;
  keyvalue::MemoryStoreOptions keyvalue_memory;  // of all keyspaces in memory together
  // The server of keyvalue-redis; its authorities are those of client_tls.
  std::optional<keyvalue::RedisOptions> keyvalue_redis;
  nats::ConnectOptions nats;  // of providers at nats:PREFIX, and of keyvalue-nats
  keyvalue::NatsStoreOptions keyvalue_nats;
  // Of a keyspace in it: its server reserves so much. Nothing: as much as the server likes.
  std::optional<std::uint64_t> keyvalue_nats_bytes = 64ULL << 20;

  Duration drain_delay{};                             // serve on after readiness went off
  Duration drain_timeout = std::chrono::seconds(30);  // for what runs then
};

// Reads YAML or JSON; the first problem is kInvalidArgument with file and line, as for manifests.
// Relative paths start at `base_folder`. What the text leaves out is as in `defaults`.
[[nodiscard]] Result<HostConfig> parseHostConfig(std::string_view text, std::string_view file_name,
                                                 std::string_view base_folder,
                                                 HostConfig defaults = {});

// The same for a file; blocks.
[[nodiscard]] Result<HostConfig> loadHostConfig(const std::string& path, HostConfig defaults = {});

}  // namespace nimbus::host
