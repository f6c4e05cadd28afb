#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/exchange.h"
#include "host/calls/component_runtime.h"
#include "host/calls/led_port.h"
#include "host/calls/restart_pace.h"
#include "host/calls/service_pool.h"
#include "host/calls/shard_runtime.h"
#include "host/workload/runtime.h"
#include "net/shard.h"

namespace nimbus::host {

// Spreads services over the serving shards. Any thread.
class ServicePlaces : public std::enable_shared_from_this<ServicePlaces> {
 public:
  explicit ServicePlaces(std::size_t shards) : taken_(shards) {}

  // The shard with the fewest services; given back with the last copy.
  [[nodiscard]] std::shared_ptr<const std::size_t> take();

 private:
  std::vector<std::atomic<std::uint32_t>> taken_;
};

// Who is told what services do. Set and called on the control shard.
struct ServiceListener {
  std::function<void(const ServiceNews&)> tell;
};

// The service of one deployment: runs its component on one shard from start() to stop(), on a new
// instance each time it has failed. Instances count like those of any component; wall time is not
// limited. One that does not serve HTTP is a run of wasi:cli/run, whose CPU time is limited only
// where the manifest does; one that does is the instance of a ServicePool.
//
// Belongs to its deployment. Made on the control shard.
class Service {
 public:
  struct Options {
    RestartPolicy restarts;
    Duration cpu_limit = Duration::max();  // of one run
    std::vector<LedPort> ports = {};
  };
  struct Environment {
    net::Shard& control;
    std::shared_ptr<const std::size_t> place;  // by index
    ShardRuntime& runtime;                     // of that shard
    const Clock& clock;
    std::shared_ptr<ServiceListener> listener;
  };
  Service(Environment environment, std::shared_ptr<ComponentRuntime> component, Options options);

  [[nodiscard]] std::size_t shardIndex() const { return *environment_.place; }
  // On the control shard.
  [[nodiscard]] const ServiceProgress& progress() const { return record_->last.progress; }

  // Whether requests may go to it.
  [[nodiscard]] bool servesHttp() const;

  // --- on its shard
  // Gives the pool of one that serves HTTP; it outlives the service's part on the shard, which ends
  // with stop().
  using PoolOf = std::function<Result<ServicePool*>()>;
  // Once; not after stop().
  void start(PoolOf pool_of);
  // Ends the guest at once; it is not started again.
  void stop();

 private:
  // What the control shard knows. Outlives this, for news that are on their way.
  struct Record {
    ServiceNews last;
    std::shared_ptr<ServiceListener> listener;
  };

  [[nodiscard]] Task<void> keepRunning();
  // One run, from a new instance to its end.
  [[nodiscard]] Task<engine::CallOutcome> runOnce();
  [[nodiscard]] Task<engine::CallOutcome> runCommand();
  // The next run begins after that pause; none: there is none.
  void tellClients(std::string reason, std::optional<Duration> pause);
  void tell(ServiceState state, std::string reason = {}, std::optional<Duration> pause = {});

  const Environment environment_;
  const std::shared_ptr<ComponentRuntime> component_;
  const std::shared_ptr<Record> record_;
  Options options_;  // on its shard, as is what follows
  PoolOf pool_of_;
  ServicePool* pool_ = nullptr;  // once it serves HTTP
  std::uint64_t restarts_ = 0;
  bool stopped_ = false;
  TaskSet tasks_;  // goes first
};

}  // namespace nimbus::host
