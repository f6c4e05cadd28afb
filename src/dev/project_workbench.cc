#include "dev/project_workbench.h"

#include <algorithm>
#include <filesystem>

#include "base/bytes.h"
#include "dev/plan_watcher.h"
#include "dev/workload_parts.h"

namespace nimbus::dev {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSourceBytes = 16ULL << 20;
constexpr std::size_t kMaxComponentBytes = 256ULL << 20;
constexpr std::size_t kMaxSourceFiles = 1000;  // of a folder

void addFile(const std::string& path, std::size_t max_bytes, Inputs& inputs) {
  if (const auto text = readFile(path, max_bytes))
    inputs.emplace(path, engine::sha256(asBytes(*text)));
}

void addFolder(const std::string& path, Inputs& inputs) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (++count > kMaxSourceFiles) return;
    addFile(entry->path().string(), kMaxSourceBytes, inputs);
  }
}

}  // namespace

Inputs ProjectWorkbench::sources(const DevPlan& plan) {
  Inputs inputs;
  for (const std::string& source : plan.sources) {
    std::error_code error;
    if (fs::is_directory(source, error)) {
      addFolder(source, inputs);
    } else {
      addFile(source, kMaxSourceBytes, inputs);
    }
  }
  return inputs;
}

Inputs ProjectWorkbench::files(const DevPlan& plan) {
  Inputs inputs;
  for (const PlannedComponent& component : plan.components)
    if (!component.spec.file.empty()) addFile(component.spec.file, kMaxComponentBytes, inputs);
  return inputs;
}

Result<Inputs> ProjectWorkbench::inputs(const PlannedProject& project) {
  auto [scan, is_new] = scans_.try_emplace(project.folder, project.folder, clock_);
  TRY(Inputs inputs, scan->second.run(rulesOf(project)));
  // What of the configuration says how to build is in the plan.
  std::erase_if(inputs, [](const auto& entry) { return entry.first.starts_with(".wash/"); });
  return inputs;
}

namespace {

bool uses(const DevWorkloads& workloads, const DevPlugin& plugin) {
  const auto names = [&](const host::WorkloadSpec& spec) {
    return std::ranges::find(spec.host_interfaces, "given:" + plugin.given,
                             &host::HostInterface::provider) != spec.host_interfaces.end();
  };
  return names(workloads.app) || std::ranges::any_of(workloads.host_plugins, names);
}

}  // namespace

Result<std::shared_ptr<const DevWorkloads>> ProjectWorkbench::workloads(
    const DevPlan& plan, const std::vector<std::string>& built,
    const std::vector<std::string>& images) {
  std::vector<ComponentPart> parts;
  read_->clear();
  for (std::size_t i = 0; i < plan.components.size(); ++i) {
    const PlannedComponent& component = plan.components[i];
    const std::string& own = component.project ? built[*component.project] : component.spec.file;
    TRY(ComponentPart part, readPart(component.spec.image.empty() ? own : images[i], read_.get()));
    parts.push_back(std::move(part));
  }
  TRY(const std::vector<DevPlugin> plugins, functions_.plugins(plan));
  TRY(DevWorkloads workloads, assembleWorkloads(plan, parts, plugins));
  for (const DevPlugin& plugin : plugins) {
    if (!uses(workloads, plugin)) continue;
    if (auto prepared = functions_.prepare(plugin); !prepared) {
      const ErrorCode code = prepared.error().code();
      return fail(code, "plugin " + plugin.name, std::move(prepared).error());
    }
  }
  return std::make_shared<const DevWorkloads>(std::move(workloads));
}

}  // namespace nimbus::dev
