#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dev/session.h"
#include "net/shard.h"
#include "net/tree_watch.h"
#include "net/watch.h"

namespace nimbus::dev {

// The ignore rules of a project of a plan.
[[nodiscard]] IgnoreRules rulesOf(const PlannedProject& project);

// Watches the projects of a plan, and the files outside of them that it was made of or runs.
// Belongs to the control shard.
class PlanWatcher final : public Watcher {
 public:
  struct Told {
    std::function<void(std::vector<std::string> paths, TimePoint first)> changed;
    std::function<void(const Error&)> problem;
  };
  PlanWatcher(net::Shard& shard, Duration settle, Told told);

  [[nodiscard]] Result<void> follow(std::shared_ptr<const DevPlan> plan) override;

 private:
  struct Tree {
    PlannedProject project;
    std::shared_ptr<const IgnoreRules> rules;
    std::unique_ptr<net::TreeWatch> watch;
  };
  [[nodiscard]] Result<Tree> openTree(const PlannedProject& project);
  void treeChanged(const std::string& folder, net::TreeChange change);
  // Whether a project's own watch tells of the file.
  [[nodiscard]] static bool isCovered(const std::vector<Tree>& trees, const std::string& file);
  [[nodiscard]] std::unique_ptr<net::FolderWatch> openFolder(const std::string& folder);

  net::Shard& shard_;
  const Duration settle_;
  const Told told_;
  std::vector<Tree> trees_;
  std::vector<std::unique_ptr<net::FolderWatch>> folders_;
};

}  // namespace nimbus::dev
