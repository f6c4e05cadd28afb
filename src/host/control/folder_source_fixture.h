#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/control/folder_source.h"
#include "host/control/manager_parts.h"
#include "host/test_support.h"

// For the tests of this folder only.
namespace nimbus::host {

inline std::string manifest(std::string_view name, std::string_view path,
                            std::string_view file = "/w/good") {
  return fmt::format(
      "name: {}\ncomponents: [{{name: web, file: {}}}]\nhttp: {{routes: [{{path: {}}}]}}\n", name,
      file, path);
}

// A manifest whose route is called like the workload.
inline std::string atHome(std::string_view name) {
  return manifest(name, fmt::format("/{}", name));
}

// A folder that is followed, and a manager over a fake data plane.
struct FolderRig : ManagerParts {
  explicit FolderRig(net::Shard& on,
                     std::unique_ptr<WorkloadStore> kept_in = makeMemoryWorkloadStore(),
                     ManagerOptions options = {})
      : ManagerParts(on, "e", std::move(kept_in)), manager(environment(runtime), options) {
    std::filesystem::create_directory(path());
    makeSource();
  }
  void makeSource() {
    source.emplace(FolderSource::Environment{shard, manager, events, *log}, path(),
                   std::chrono::milliseconds(1), std::chrono::milliseconds(20));
  }
  std::string path(std::string_view name = {}) const {
    return folder.path("w" + (name.empty() ? "" : "/" + std::string(name)));
  }
  // Writes beside and renames, as tools do.
  void put(std::string_view name, std::string_view text) const {
    folder.write("staged", text);
    std::filesystem::rename(folder.path("staged"), path(name));
  }
  Task<void> start() {
    const auto started = co_await source->start();
    EXPECT_TRUE(started) << started.error().describe();
    manager.markReady();
  }
  // Waits for the next event of that kind about that workload ("" for any).
  Task<HostEvent> event(EventKind kind, std::string workload = "") {
    while (true) {
      const EventLog::Item item = co_await events.next(cursor);
      const auto* event = std::get_if<HostEvent>(&item);
      if (event == nullptr) continue;
      cursor = event->sequence;
      if (event->kind == kind && (workload.empty() || event->workload == workload))
        co_return *event;
    }
  }
  std::vector<std::string> problems() const {
    std::vector<std::string> all;
    for (const FolderProblem& problem : source->problems()) all.push_back(problem.message);
    return all;
  }
  std::vector<std::string> running() const {
    std::vector<std::string> all;
    for (const WorkloadStatus& status : manager.list("", 100))
      if (status.serving_generation != 0)
        all.push_back(status.spec->name + " " + status.spec->routes[0].path);
    return all;
  }

  TemporaryFolder folder;
  FakeRuntime runtime;
  WorkloadManager manager;
  std::optional<FolderSource> source;
  std::uint64_t cursor = 0;
};

class FolderSourceTest : public ShardTest {};

}  // namespace nimbus::host
