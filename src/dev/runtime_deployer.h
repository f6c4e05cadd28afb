#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/sync.h"
#include "dev/session.h"
#include "host/workload/runtime.h"

namespace nimbus::dev {

// Deploys to a data plane. Belongs to the control shard; `runtime` lives longer.
class RuntimeDeployer final : public Deployer {
 public:
  RuntimeDeployer(host::WorkloadRuntime& runtime, const Clock& clock)
      : runtime_(runtime), clock_(clock) {}

  [[nodiscard]] Task<Result<std::shared_ptr<const host::WorkloadSpec>>> fetch(
      std::shared_ptr<const host::WorkloadSpec> workload) override {
    return runtime_.fetch(std::move(workload), host::WorkloadRuntime::Freshness::kAsManifestSays);
  }
  [[nodiscard]] Task<Result<Times>> deploy(std::shared_ptr<const DevWorkloads> workloads) override;

  // Takes what serves out of service; no request may be running.
  [[nodiscard]] Task<void> close();

 private:
  using Deployed = std::shared_ptr<host::Deployment>;
  using Replacement = host::WorkloadRuntime::Replacement;
  using Spec = std::shared_ptr<const host::WorkloadSpec>;

  // What serves that workload; null: nothing does.
  [[nodiscard]] Deployed running(const host::WorkloadSpec& spec) const;
  // One that serves is in the place of nothing if it is not among `specs`, and in its own if it
  // stays as it is.
  [[nodiscard]] Task<Result<std::vector<Replacement>>> prepareHostPlugins(
      const std::vector<Spec>& specs);
  [[nodiscard]] Task<Result<Deployed>> prepareApp(Spec spec,
                                                  const std::vector<Replacement>& host_plugins);

  host::WorkloadRuntime& runtime_;
  const Clock& clock_;
  std::uint64_t generation_ = 0;
  Deployed app_;
  std::vector<Deployed> host_plugins_;
  TaskSet retiring_;
};

}  // namespace nimbus::dev
