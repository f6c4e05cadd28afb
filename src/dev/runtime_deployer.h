#pragma once

#include <cstdint>
#include <memory>

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
  [[nodiscard]] Task<Result<Times>> deploy(
      std::shared_ptr<const host::WorkloadSpec> workload) override;

  // Takes what serves out of service; no request may be running.
  [[nodiscard]] Task<void> close();

 private:
  host::WorkloadRuntime& runtime_;
  const Clock& clock_;
  std::uint64_t generation_ = 0;
  std::shared_ptr<host::Deployment> current_;
  TaskSet retiring_;
};

}  // namespace nimbus::dev
