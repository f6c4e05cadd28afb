#include "dev/plan_watcher.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "dev/project_build.h"

namespace nimbus::dev {
namespace {

namespace fs = std::filesystem;

// What of `path` is below the folder; empty if it is not.
std::string below(const std::string& folder, const std::string& path) {
  const std::string prefix = folder + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : std::string();
}

// The files that this process prints to. `wash dev > log` in a project would never come to rest if
// what it says of a build were a change.
std::vector<std::string> filesPrintedTo() {
  std::vector<std::string> files;
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) continue;
    std::error_code error;
    const fs::path file = fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), error);
    if (!error) files.push_back(file.string());
  }
  return files;
}

}  // namespace

IgnoreRules rulesOf(const PlannedProject& project) {
  std::vector<std::string> outputs;
  const std::string made = project::expectedComponentPath(project.folder, buildConfigOf(project));
  if (std::string path = below(project.folder, made); !path.empty())
    outputs.push_back(std::move(path));
  std::error_code error;
  const fs::path folder = fs::canonical(project.folder, error);
  for (const std::string& file : filesPrintedTo())
    if (std::string path = below(folder.string(), file); !path.empty())
      outputs.push_back(std::move(path));
  return IgnoreRules(project.folder, std::move(outputs), project.ignored);
}

PlanWatcher::PlanWatcher(net::Shard& shard, Duration settle, Told told)
    : shard_(shard), settle_(settle), told_(std::move(told)) {}

Result<PlanWatcher::Tree> PlanWatcher::openTree(const PlannedProject& project) {
  auto rules = std::make_shared<const IgnoreRules>(rulesOf(project));
  TRY(auto watch, net::watchTree(shard_,
                                 {.root = project.folder,
                                  .settle = settle_,
                                  .ignored =
                                      [rules](const std::string& path, bool is_folder) {
                                        return rules->ignores(path, is_folder);
                                      }},
                                 [this, folder = project.folder](net::TreeChange change) {
                                   treeChanged(folder, std::move(change));
                                 }));
  return Tree{project, std::move(rules), std::move(watch)};
}

void PlanWatcher::treeChanged(const std::string& folder, net::TreeChange change) {
  if (change.problem) told_.problem(*change.problem);
  const bool rules_changed =
      change.incomplete ||
      std::ranges::find(change.paths, std::string(".gitignore")) != change.paths.end();
  for (Tree& tree : trees_) {
    if (!rules_changed || tree.project.folder != folder) continue;
    if (auto anew = openTree(tree.project)) {
      tree = *std::move(anew);
    } else {
      told_.problem(anew.error());
    }
  }
  told_.changed(std::move(change.paths), change.first);
}

bool PlanWatcher::isCovered(const std::vector<Tree>& trees, const std::string& file) {
  for (const Tree& tree : trees) {
    const std::string path = below(tree.project.folder, file);
    if (path.empty()) continue;
    bool ignored = false;
    for (std::size_t slash = path.find('/'); slash != std::string::npos && !ignored;
         slash = path.find('/', slash + 1))
      ignored = tree.rules->ignores(path.substr(0, slash), true);
    std::error_code error;
    if (!ignored && !tree.rules->ignores(path, fs::is_directory(file, error))) return true;
  }
  return false;
}

// A folder that is not there has nothing to tell; that a file in it is missing shows elsewhere.
std::unique_ptr<net::FolderWatch> PlanWatcher::openFolder(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return nullptr;
  auto watch = net::watchFolder(shard_, folder, settle_,
                                [this] { told_.changed({}, shard_.now() - settle_); });
  if (watch) return *std::move(watch);
  told_.problem(watch.error());
  return nullptr;
}

Result<void> PlanWatcher::follow(std::shared_ptr<const DevPlan> plan) {
  std::vector<Tree> trees;
  for (const PlannedProject& project : plan->projects) {
    TRY(Tree tree, openTree(project));
    trees.push_back(std::move(tree));
  }
  std::set<std::string> folders;
  const auto add = [&](const std::string& file) {
    if (file.empty() || isCovered(trees, file)) return;
    std::error_code error;
    folders.insert(fs::is_directory(file, error) ? file : fs::path(file).parent_path().string());
  };
  for (const std::string& source : plan->sources) add(source);
  for (const PlannedComponent& component : plan->components) add(component.spec.file);
  std::vector<std::unique_ptr<net::FolderWatch>> watches;
  for (const std::string& folder : folders) {
    if (auto watch = openFolder(folder)) watches.push_back(std::move(watch));
  }
  trees_ = std::move(trees);
  folders_ = std::move(watches);
  return {};
}

}  // namespace nimbus::dev
