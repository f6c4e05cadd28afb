#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "engine/digest.h"
#include "host/deploy/component_loader.h"
#include "host/deploy/workload_code.h"
#include "host/manifest/manifest.h"
#include "host/workload/permits.h"
#include "net/shard.h"

namespace nimbus::host {

// Loads the components of workloads so that those whose code is there pass those that must be
// compiled. So many are compiled at once; the others wait for a place in the order they came,
// without what was read of them. A component is compiled once for all who ask, and to its end
// though they may all have gone: until then its place is taken, so that whoever asks again and
// again has no more compiled at once. One that nobody waits for any more before it has a place is
// not compiled. Lives on the control shard, where cancelAll() is its end.
class CodeLoads {
 public:
  // loadWorkload(), with a loader.
  using Load = std::function<Task<Result<WorkloadCode>>(std::shared_ptr<const WorkloadSpec> spec,
                                                        Compiling compiling)>;
  // As many as `at_once` compile, and as many others are looked for.
  CodeLoads(net::Shard& control, std::size_t at_once, Load load);
  CodeLoads(const CodeLoads&) = delete;
  CodeLoads& operator=(const CodeLoads&) = delete;
  ~CodeLoads() { cancelAll(); }

  // All of its code; the errors of loadWorkload().
  [[nodiscard]] Task<Result<WorkloadCode>> load(std::shared_ptr<const WorkloadSpec> spec);

  void cancelAll();

 private:
  struct Job;
  class Waiting;

  [[nodiscard]] Task<Result<WorkloadCode>> find(std::shared_ptr<const WorkloadSpec> spec);
  [[nodiscard]] Task<std::shared_ptr<const Job>> compiled(std::shared_ptr<const WorkloadSpec> spec,
                                                          engine::Sha256 key);
  Task<void> compile(engine::Sha256 key, std::shared_ptr<Job> job);

  const Load load_;
  Permits finding_;
  Permits compiling_;
  std::map<engine::Sha256, std::shared_ptr<Job>> jobs_;  // by the component's key
};

}  // namespace nimbus::host
