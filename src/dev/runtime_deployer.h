#pragma once

#include <cstddef>
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
  ~RuntimeDeployer() override { closing_ = true; }

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

  struct HostPlugin {
    Deployed deployment;
    bool wanted = true;  // else it serves until no app of before does
  };
  [[nodiscard]] bool serves(const host::WorkloadSpec& spec) const;
  // Has it serve from now on, as the app if `is_app`; gives what was there before.
  [[nodiscard]] Deployed replace(Deployed next, bool is_app);
  void wantOnly(const std::vector<Spec>& specs);
  // What `changes` has replaced is to end.
  void retireReplaced(const std::vector<Replacement>& changes);
  [[nodiscard]] Task<void> retireApp(Deployed previous);
  [[nodiscard]] Task<void> withdrawUnwanted();
  void retire(const Deployed& deployment);

  // While it stands no host plugin is withdrawn: an app that may call it serves or retires, or one
  // that wants it is prepared.
  class Hold;

  host::WorkloadRuntime& runtime_;
  const Clock& clock_;
  std::uint64_t generation_ = 0;
  Deployed app_;
  std::vector<HostPlugin> host_plugins_;
  std::vector<Deployed> leaving_;  // out of the former, and nobody sees to their end yet
  std::size_t holds_ = 0;
  bool closing_ = false;
  TaskSet retiring_;
};

}  // namespace nimbus::dev
