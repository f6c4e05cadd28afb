#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "dev/dev_workloads.h"
#include "dev/input_scan.h"
#include "dev/plan.h"

namespace nimbus::dev {

// What one build gave.
struct Built {
  std::string component_path;  // absolute
  Duration took{};
};

// What a session does with files and programs. Everything blocks; one thread at a time.
class Workbench {
 public:
  virtual ~Workbench() = default;

  // What is to run, by configuration and flags as they are now.
  [[nodiscard]] virtual Result<std::shared_ptr<const DevPlan>> plan() = 0;
  // What is in the files that the plan was made of.
  [[nodiscard]] virtual Inputs sources(const DevPlan& plan) = 0;
  // What is in the files of components that the plan names, and nothing here builds.
  [[nodiscard]] virtual Inputs files(const DevPlan& plan) = 0;

  // What is in the files that builds of a project read.
  [[nodiscard]] virtual Result<Inputs> inputs(const PlannedProject& project) = 0;
  // kCancelled: `stop`. What the build prints goes to the user meanwhile.
  [[nodiscard]] virtual Result<Built> build(const PlannedProject& project,
                                            std::stop_token stop) = 0;

  // The workloads of the components as they are now, with their digests. `built` has the path of
  // each project's component, `images` for each component that of its image, if it has one.
  [[nodiscard]] virtual Result<std::shared_ptr<const DevWorkloads>> workloads(
      const DevPlan& plan, const std::vector<std::string>& built,
      const std::vector<std::string>& images) = 0;
};

}  // namespace nimbus::dev
