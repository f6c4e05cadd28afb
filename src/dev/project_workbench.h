#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dev/dev_plugin.h"
#include "dev/input_scan.h"
#include "dev/workbench.h"
#include "host/deploy/read_components.h"

namespace nimbus::dev {

// The workbench of real folders. Who makes it says how a plan is made and how a project is built.
class ProjectWorkbench final : public Workbench {
 public:
  struct Functions {
    std::function<Result<std::shared_ptr<const DevPlan>>()> plan;
    std::function<Result<Built>(const PlannedProject&, std::stop_token)> build;
    // The plugins as they are now, by what the plan says of them.
    std::function<Result<std::vector<DevPlugin>>(const DevPlan&)> plugins;
    // A plugin that is given is about to be used.
    std::function<Result<void>(const DevPlugin&)> prepare;
  };
  // `read` gets the components of a workload, for those who load it.
  ProjectWorkbench(Functions functions, const Clock& clock,
                   std::shared_ptr<host::ReadComponents> read)
      : functions_(std::move(functions)), clock_(clock), read_(std::move(read)) {}

  [[nodiscard]] Result<std::shared_ptr<const DevPlan>> plan() override { return functions_.plan(); }
  [[nodiscard]] Inputs sources(const DevPlan& plan) override;
  [[nodiscard]] Inputs files(const DevPlan& plan) override;
  [[nodiscard]] Result<Inputs> inputs(const PlannedProject& project) override;
  [[nodiscard]] Result<Built> build(const PlannedProject& project, std::stop_token stop) override {
    return functions_.build(project, std::move(stop));
  }
  [[nodiscard]] Result<std::shared_ptr<const DevWorkloads>> workloads(
      const DevPlan& plan, const std::vector<std::string>& built,
      const std::vector<std::string>& images) override;

 private:
  const Functions functions_;
  const Clock& clock_;
  const std::shared_ptr<host::ReadComponents> read_;
  std::map<std::string, InputScan> scans_;  // by folder
};

}  // namespace nimbus::dev
