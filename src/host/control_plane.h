#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "host/host_config.h"
#include "host/workload/runtime.h"
#include "net/shard.h"

namespace nimbus::host {

// The deciding half of a host, on its control shard: workloads with their store, the folder that is
// followed, the administration API and probes. Made and called on
// the main thread; everything it is given outlives it.
class ControlPlane {
 public:
  struct Environment {
    net::ShardGroup& control;  // of one shard
    WorkloadRuntime& runtime;
    engine::Engine& engine;
    Logger& log;
    MetricRegistry& metrics;
    const Clock& clock;
    // Asked for over the API: the process should end as if by SIGTERM. Any thread.
    std::function<void()> request_end;
  };

  // Opens the store and listens for administration and probes.
  [[nodiscard]] static Result<std::unique_ptr<ControlPlane>> create(Environment environment,
                                                                    const HostConfig& config);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  enum class Restored { kAll, kEndedEarly };
  // Brings all known workloads back and the folder's in; returns when each serves or has failed, or
  // soon after endRestore().
  [[nodiscard]] Result<Restored> restore();
  // What is not restored by now will not be. Any thread.
  void endRestore();
  void markReady();

  // Readiness off; changes are refused from now on.
  void startDrain();
  // Takes all workloads down, for at most `bound`. They stay in the store.
  void stop(Duration bound);

  [[nodiscard]] const std::vector<std::string>& adminAddresses() const;
  [[nodiscard]] std::optional<net::Endpoint> probeAddress() const;
  // Everything that it listens at.
  [[nodiscard]] const std::vector<net::Endpoint>& endpoints() const;

 private:
  struct OnShard;
  explicit ControlPlane(Environment environment);
  [[nodiscard]] Result<void> makeOn(net::Shard& shard, const HostConfig& config);

  Environment environment_;
  std::unique_ptr<OnShard> part_;  // used on the control shard only
};

}  // namespace nimbus::host
