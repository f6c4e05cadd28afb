#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"
#include "base/task.h"
#include "dev/build_outputs.h"
#include "dev/dev_event.h"
#include "dev/dev_workloads.h"
#include "dev/plan.h"
#include "dev/workbench.h"
#include "net/blocking_worker.h"
#include "net/shard.h"

namespace nimbus::dev {

// Runs the workloads of one plan at a time, each in the place of the one before. On the control
// shard.
class Deployer {
 public:
  virtual ~Deployer() = default;

  // The same workload with the files of components that it names by image, from their registries.
  [[nodiscard]] virtual Task<Result<std::shared_ptr<const host::WorkloadSpec>>> fetch(
      std::shared_ptr<const host::WorkloadSpec> workload) = 0;

  struct Times {
    Duration load{};
    Duration swap{};
  };
  // Returns when every new request is the new workloads'; calls that run stay where they are, and
  // what has not changed goes on as it is. After an error the workloads before serve on.
  [[nodiscard]] virtual Task<Result<Times>> deploy(
      std::shared_ptr<const DevWorkloads> workloads) = 0;
};

// Watches the files of a plan. On the control shard.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // From now on, changes of what this plan is made of are told to the session.
  [[nodiscard]] virtual Result<void> follow(std::shared_ptr<const DevPlan> plan) = 0;
};

struct SessionOptions {
  // Before a build that nothing but the last ones starts; as long as the last build if that took
  // longer.
  Duration pause = std::chrono::seconds(2);
};

// A project under development: builds it, runs it, and does both again for as long as files change.
// A round looks at everything and does what is due: read the configuration, build the projects
// whose sources are not what was built last, put the workload together, deploy it if it is another.
// Whatever fails is told once and leaves what serves as it is. Changes during a round start exactly
// one more.
//
// Lives on the control shard; everything it is given lives longer.
class Session {
 public:
  struct Environment {
    net::Shard& shard;
    Workbench& workbench;
    Deployer& deployer;
    Watcher& watcher;
    DevReporter& reporter;
    const Clock& clock;
  };
  explicit Session(Environment environment, SessionOptions options = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // Ends a build that runs, and waits for that.
  ~Session();

  // Reads the plan for the first time, and follows its files; its errors end the command.
  [[nodiscard]] Task<Result<void>> open();
  // One round after the other; open() came before. Returns only if it makes no sense to go on:
  // there is no way to build at all, so that no edit of a source will help.
  [[nodiscard]] Task<Error> run();

  // Returns when there is nothing to do: no round runs, and none is due.
  [[nodiscard]] Task<void> idle();

  // Something may have changed; `first` is when that was seen.
  void notice(std::vector<std::string> paths, TimePoint first);

  [[nodiscard]] const std::shared_ptr<const DevPlan>& plan() const { return plan_; }

 private:
  struct ProjectState {
    PlannedProject project;
    std::optional<Inputs> built;  // the inputs of the last build, be it a failed one
    std::string component_path;   // of the last good one
    bool failed = false;          // the last one
    bool ignores_anew = false;    // since it was looked at last
    Duration took{};
    BuildOutputs outputs;
  };

  Task<void> round();
  Task<void> configure();
  // Whether all projects have been built and none of the builds failed.
  Task<bool> buildAll();
  // Whether the project's component is there.
  Task<bool> buildOne(ProjectState& state);
  Task<bool> buildNow(ProjectState& state, Inputs before);
  void takeOutcome(ProjectState& state, const Result<Built>& built);
  [[nodiscard]] std::vector<std::string> builtPaths() const;
  Task<void> deploy();
  // After builds that failed: what is configured anew, for the components that serve, if they are
  // still there as they were built last.
  Task<void> deployUnbuilt();
  Task<Result<std::shared_ptr<const DevWorkloads>>> makeWorkloads(std::vector<std::string> images);
  // Whether the projects' components in it are those that serve.
  [[nodiscard]] bool hasServedComponents(const host::WorkloadSpec& workload) const;
  // Whether they do from now on.
  Task<bool> serve(std::shared_ptr<const DevWorkloads> workloads, TimePoint begin);
  void takeSame(std::shared_ptr<const DevWorkloads> workloads);
  void takeDeployed();
  Task<Result<std::vector<std::string>>> pullImages();
  void takePlan(std::shared_ptr<const DevPlan> plan);

  void tell(const DevEvent& event) { environment_.reporter.report(event); }
  void tellConfigured(std::vector<std::string> waiting);
  void tellWarnings(const std::vector<std::string>& known);
  void tellChanged(const ProjectState& state, std::vector<std::string> paths);
  void tellBuilding(const ProjectState& state);
  void tellOutputs(const ProjectState& state, const std::vector<std::string>& paths);
  void tellDeployed(DevEvent::Kind kind);
  // Those that the deployment before did not have.
  void tellPorts(const host::WorkloadSpec* before);
  // That what serves goes on by what was said before.
  void tellKept();
  // Once for each content of the files that nothing here builds: the next one may be as wrong.
  Task<void> tellLoadFailed(Error error);
  void tellOnce(DevEvent::Kind kind, const Error& error, std::string component = {});

  const Environment environment_;
  const SessionOptions options_;
  std::stop_source stop_;
  std::shared_ptr<const DevPlan> plan_;
  Inputs plan_sources_;
  bool plan_failed_ = false;          // the last time it was made
  std::vector<std::string> waiting_;  // keys that are configured anew from the next start on
  std::vector<std::unique_ptr<ProjectState>> projects_;
  std::shared_ptr<const DevWorkloads> deployed_;
  Inputs settled_sources_;                       // of the plan that serves, or told of last
  std::shared_ptr<const DevWorkloads> refused_;  // tried last, if that failed
  std::vector<std::string> images_;              // of the plan's components, as files
  std::shared_ptr<const DevPlan> images_of_;
  std::uint64_t generation_ = 0;
  bool load_failed_ = false;  // the last time it was tried
  Inputs failed_files_;       // what was in them then
  std::string last_problem_;
  std::optional<Error> hopeless_;

  // Of this round and the next.
  Event noticed_;
  Event pause_over_;
  Event idle_;
  std::vector<std::string> noticed_paths_;
  std::optional<TimePoint> noticed_at_;
  ReloadTimes times_;
  bool built_something_ = false;

  net::BlockingWorker worker_;  // ends first: its jobs use the rest
};

}  // namespace nimbus::dev
