#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "host/deploy/local_runtime.h"
#include "http/client.h"
#include "http/server.h"
#include "net/shard.h"
#include "net/socket.h"
#include "net/tls.h"

namespace nimbus::host {

struct DataPlaneOptions {
  std::size_t shards = 0;              // 0: one per core
  std::uint64_t max_instances = 2048;  // of all workloads at once
  std::uint64_t max_sockets = 16'384;  // of all guests at once
  std::uint64_t max_files = 16'384;    // that all guests have open at once
  LocalRuntimeOptions runtime;
  http::ClientLimits client;
  net::TlsClientOptions client_tls;
};

// The serving half of a host: its shards with their routes, pools and clients, and the listeners in
// front of them. One control shard stands beside them for everything that is not a request.
//
// Made and destroyed on the main thread; the engine outlives it.
class DataPlane {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> create(DataPlaneOptions options,
                                                                 engine::Engine& engine,
                                                                 Logger& log,
                                                                 MetricRegistry& metrics,
                                                                 const Clock& clock);
  ~DataPlane();
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  [[nodiscard]] net::ShardGroup& control();  // of one shard
  [[nodiscard]] LocalRuntime& runtime();
  [[nodiscard]] std::size_t shardCount() const;

  // LocalRuntime::openProviders(), from the main thread.
  [[nodiscard]] Result<void> openProviders(std::shared_ptr<const WorkloadSpec> spec);

  // Takes one more address to serve at later; returns the one really bound.
  [[nodiscard]] Result<net::Endpoint> bind(const net::Endpoint& where, http::ServerOptions options);
  // Serves on all addresses that were bound, all shards accepting.
  [[nodiscard]] Result<void> serve();
  // Both for one more address.
  [[nodiscard]] Result<net::Endpoint> listen(const net::Endpoint& where,
                                             http::ServerOptions options);

  // Runs a task on a serving shard and blocks until it completed. On the main thread.
  void runTask(std::size_t shard, std::move_only_function<Task<void>(ShardRuntime&)> make);

  // Stops accepting on all addresses and lets running requests finish, all of them together for at
  // most `bound`. On the main thread.
  void drain(Duration bound);

 private:
  struct ServingPart;
  struct Impl;
  explicit DataPlane(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nimbus::host
