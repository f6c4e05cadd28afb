#include <chrono>
#include <string>

#include <fmt/format.h>

#include "host/host_config_reader.h"

// The parts of a host's configuration that are numbers.
namespace nimbus::host {
namespace {

constexpr std::uint64_t kDayMs = 24ULL * 3600 * 1000;
constexpr std::uint64_t kKiB = 1024;
// Of an instance with one table in each of its core instances; more is never given.
constexpr std::uint64_t kMaxTableElements =
    std::uint64_t{engine::kMaxTableElements} * engine::kMaxCoreInstancesPerInstance;

template <typename Number>
void takeKiB(YamlMap& map, std::string_view key, NumberRange range, Number& into) {
  if (const auto number = map.number(key, range)) into = static_cast<Number>(*number * kKiB);
}

}  // namespace

void takeBoolean(YamlMap& map, std::string_view key, bool& into) {
  if (const auto value = map.boolean(key)) into = *value;
}

void takeDuration(YamlMap& map, std::string_view key, Duration& into, std::uint64_t least_ms) {
  if (const auto milliseconds = map.durationMs(key, {least_ms, kDayMs}))
    into = std::chrono::milliseconds(*milliseconds);
}

void takeBytes(YamlMap& map, std::string_view key, std::uint64_t unit, NumberRange range,
               std::uint64_t& into) {
  if (const auto number = map.number(key, range)) into = *number * unit;
}

void readHttpLimits(http::ServerLimits& limits, YamlMap map) {
  takeNumber(map, "maxConnections", {1, 10'000'000}, limits.max_connections);
  takeKiB(map, "maxRequestLineKb", {1, 1024}, limits.max_request_line_bytes);
  takeKiB(map, "maxHeaderKb", {1, 16 * 1024}, limits.max_header_bytes);
  takeNumber(map, "maxHeaderCount", {1, 100'000}, limits.max_header_count);
  takeKiB(map, "maxBodyKb", {0, UINT64_MAX / kKiB}, limits.max_body_bytes);
  takeKiB(map, "bodyReadAheadKb", {1, 64 * 1024}, limits.body_read_ahead_bytes);
  takeKiB(map, "unsentHighWaterKb", {1, 64 * 1024}, limits.unsent_bytes_high_water);
  takeNumber(map, "maxConcurrentStreams", {1, 1'000'000}, limits.max_concurrent_streams);
  takeNumber(map, "maxRequestsPerConnection", {0, UINT32_MAX}, limits.max_requests_per_connection);
  takeDuration(map, "headerTimeout", limits.header_timeout);
  takeDuration(map, "idleTimeout", limits.idle_timeout);
  takeDuration(map, "bodyIdleTimeout", limits.body_idle_timeout);
  takeDuration(map, "writeIdleTimeout", limits.write_idle_timeout);
  takeDuration(map, "tlsHandshakeTimeout", limits.tls_handshake_timeout);
  takeNumber(map, "minBodyBytesPerSecond", {0, UINT32_MAX}, limits.min_body_bytes_per_second);
  takeNumber(map, "minResponseBytesPerSecond", {0, UINT32_MAX},
             limits.min_response_bytes_per_second);
  takeKiB(map, "maxDrainKb", {0, 1024 * 1024}, limits.max_drain_bytes);
  takeNumber(map, "maxResetStreamsPerSecond", {1, 1'000'000}, limits.max_reset_streams_per_second);
  map.finish();
}

void readHostLimits(HostConfig& config, YamlMap map) {
  takeBytes(map, "memoryMb", kMiB, {1, kMaxMb}, config.engine.max_total_memory_bytes);
  takeBytes(map, "memoryPerInstanceMb", kMiB, {1, kMaxMb}, config.engine.max_memory_bytes);
  takeNumber(map, "maxInstances", {1, 1'000'000}, config.engine.max_instances);
  takeNumber(map, "maxSockets", {0, 10'000'000}, config.max_sockets);
  takeNumber(map, "maxFiles", {0, 10'000'000}, config.max_files);
  takeNumber(map, "maxWorkloads", {1, 10'000'000}, config.manager.max_workloads);
  takeNumber(map, "maxConcurrentStarts", {1, 1024}, config.max_concurrent_starts);
  takeDuration(map, "retireTimeout", config.manager.retire_bound);
  takeBytes(map, "maxComponentMb", kMiB, {1, 16 * 1024}, config.max_component_bytes);
  map.finish();
}

void readDefaults(HostConfig& config, YamlMap map) {
  CallPolicy& policy = config.defaults;
  takeDuration(map, "timeout", policy.timeout);
  if (const auto milliseconds = map.number("cpuLimit", {1, kDayMs}))
    policy.cpu_limit = std::chrono::milliseconds(*milliseconds);
  takeBytes(map, "memoryLimitMb", kMiB, {1, kMaxMb}, policy.max_memory_bytes);
  takeNumber(map, "maxTableElements", {1, kMaxTableElements}, policy.max_table_elements);
  takeNumber(map, "maxSockets", {0, 10'000'000}, policy.max_sockets);
  takeNumber(map, "maxFiles", {0, 10'000'000}, policy.max_files);
  takeDuration(map, "idleTimeout", policy.idle_timeout);
  takeNumber(map, "maxInstances", {1, 1'000'000}, policy.max_instances);
  takeNumber(map, "maxQueue", {0, 1'000'000}, policy.max_queue);
  takeDuration(map, "queueTimeout", policy.queue_timeout);
  takeDuration(map, "collateralGrace", policy.collateral_grace, 0);
  takeBytes(map, "volumeSizeMb", kMiB, {1, kMaxMb}, config.volume_bytes);
  map.finish();
}

void readEngine(ConfigContext& context, YamlMap map) {
  engine::EngineOptions& engine = context.config.engine;
  readPath(context, map, "cache", engine.cache_folder);
  takeBytes(map, "cacheMb", kMiB, {1, kMaxMb}, engine.cache_max_bytes);
  if (map.word("selection", {"byComponent", "full"}) == "full")
    engine.selection = engine::EngineOptions::Selection::kAlwaysFull;
  const std::vector<std::string> proposals = map.texts("proposals");
  for (const std::string& name : proposals)
    if (const auto known = engine::proposalNamed(name); !known)
      map.problem("proposals",
                  fmt::format("{}: {}", map.pathOf("proposals"), known.error().message()));
  engine.proposals = engine.proposals | engine::proposalsNamed(proposals);
  takeNumber(map, "compileThreads", {0, 1024}, engine.compile_threads);
  takeNumber(map, "coreInstancesPerInstance", {1, engine::kMaxCoreInstancesPerInstance},
             engine.core_instances_per_instance);
  map.finish();
}

}  // namespace nimbus::host
