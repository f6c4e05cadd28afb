#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "dev/session.h"
#include "net/test_support.h"

// What the tests of a session run it with.
namespace nimbus::dev {

using Kind = DevEvent::Kind;
using Kinds = std::vector<Kind>;

// A project whose sources are one text, and whose component is what the build makes of it. Used by
// the worker's thread and the test's.
class FakeWorkbench final : public Workbench {
 public:
  FakeWorkbench() {
    PlannedProject& project = plan_.projects.emplace_back();
    project.component = "app";
    project.build.command = "make";
    PlannedComponent& component = plan_.components.emplace_back();
    component.spec.name = "app";
    component.project = 0;
  }

  Result<std::shared_ptr<const DevPlan>> plan() override {
    const std::lock_guard lock(mutex_);
    if (!plan_error_.empty()) return fail(ErrorCode::kInvalidArgument, plan_error_);
    return std::make_shared<const DevPlan>(plan_);
  }
  Inputs sources(const DevPlan&) override {
    const std::lock_guard lock(mutex_);
    return {{"config", engine::sha256(asBytes(config_))}};
  }
  Inputs files(const DevPlan&) override {
    const std::lock_guard lock(mutex_);
    if (file_.empty()) return {};
    return {{"file", engine::sha256(asBytes(file_))}};
  }
  Result<Inputs> inputs(const PlannedProject&) override {
    const std::lock_guard lock(mutex_);
    if (source_ == "gone") return fail(ErrorCode::kNotFound, "there is no folder /p");
    Inputs inputs{{"main", engine::sha256(asBytes(source_))}};
    if (!ignores_stamp_) inputs.emplace("stamp", engine::sha256(asBytes(stamp_)));
    return inputs;
  }
  Result<Built> build(const PlannedProject& project, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    builds_ += 1;
    commands_.push_back(project.build.command);
    if (during_build) during_build();
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return !held_; });
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
    if (source_ == "unknown") return fail(ErrorCode::kNotFound, "no language");
    if (source_ == "provider") return fail(ErrorCode::kUnsupported, "a program");
    if (source_ == "broken halfway") component_ = "half";
    if (source_.starts_with("broken")) return fail(ErrorCode::kInvalidArgument, "it is " + source_);
    component_ = source_;
    return Built{"/p/app.wasm", std::chrono::milliseconds(1)};
  }
  Result<std::shared_ptr<const DevWorkloads>> workloads(
      const DevPlan& plan, const std::vector<std::string>& built,
      const std::vector<std::string>& /*images*/) override {
    const std::lock_guard lock(mutex_);
    DevWorkloads made;
    host::WorkloadSpec& spec = made.app;
    spec.name = plan.name;
    spec.components = {plan.components[0].spec};
    if (file_.starts_with("no component"))
      return fail(ErrorCode::kInvalidArgument, "cannot be read");
    spec.components[0].file = built.empty() ? "/p/app.wasm" : built[0];
    spec.components[0].digest = built.empty() ? file_ : component_;
    return std::make_shared<const DevWorkloads>(std::move(made));
  }

  void edit(std::string source) {
    const std::lock_guard lock(mutex_);
    source_ = std::move(source);
  }
  // Without a build: the component is this.
  void lay(std::string file) {
    const std::lock_guard lock(mutex_);
    plan_.projects.clear();
    plan_.components[0].project.reset();
    file_ = std::move(file);
  }
  void ignoreStamp() {
    const std::lock_guard lock(mutex_);
    ignores_stamp_ = true;
  }
  void stamp(std::string stamp) {
    const std::lock_guard lock(mutex_);
    stamp_ = std::move(stamp);
  }
  void editConfig(std::string config, const std::function<void(DevPlan&)>& change) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    change(plan_);
  }
  void breakConfig(std::string config, std::string error) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    plan_error_ = std::move(error);
  }
  // Builds wait from now on, until they are let go.
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void letGo() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // Not on a shard's thread.
  void awaitBuild(int number) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return builds_ >= number; }));
  }
  [[nodiscard]] int builds() {
    const std::lock_guard lock(mutex_);
    return builds_;
  }
  [[nodiscard]] std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  // Called by a build, which then writes what it likes.
  std::function<void()> during_build;
  std::string source_ = "one";  // for during_build
  std::string stamp_;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  DevPlan plan_;
  std::string plan_error_;
  std::string config_ = "first";
  std::string component_;
  std::string file_;
  int builds_ = 0;
  bool held_ = false;
  bool ignores_stamp_ = false;
  std::vector<std::string> commands_;
};

// Runs what it is given, unless it begins with "bad", or is "taken" the first time.
class FakeDeployer final : public Deployer {
 public:
  Task<Result<std::shared_ptr<const host::WorkloadSpec>>> fetch(
      std::shared_ptr<const host::WorkloadSpec> workload) override {
    ++fetches;
    co_return workload;
  }
  Task<Result<Times>> deploy(std::shared_ptr<const DevWorkloads> workloads) override {
    const host::ComponentSpec& component = workloads->app.components[0];
    const std::string& digest = component.digest;
    if (digest.starts_with("bad")) co_return fail(ErrorCode::kInvalidArgument, "cannot be loaded");
    if (digest == "taken" && !std::exchange(was_taken, true))
      co_return fail(ErrorCode::kUnavailable, "its port is taken");
    served.push_back(digest);
    environments.push_back(component.local_resources.environment);
    co_return Times{};
  }
  int fetches = 0;
  bool was_taken = false;
  std::vector<std::string> served;
  std::vector<StringMap> environments;
};

class FakeWatcher final : public Watcher {
 public:
  Result<void> follow(std::shared_ptr<const DevPlan>) override {
    followed += 1;
    return {};
  }
  int followed = 0;
};

[[nodiscard]] inline std::string nameOf(DevWork work) {
  switch (work) {
    case DevWork::kBuild: return "build";
    case DevWork::kCompile: return "compile";
  }
  return {};
}

// Keeps events; until() waits for one of a kind.
class Events final : public DevReporter {
 public:
  explicit Events(net::Shard& shard) : limit_(shard, [this] { arrived_.set(); }) {}
  void report(const DevEvent& event) override {
    all.push_back(event);
    fresh_.push_back(event);
    arrived_.set();
  }
  void begin(DevWork work_begun, std::string_view names) override {
    work.push_back(nameOf(work_begun) + " " + std::string(names));
  }
  void end() override { work.emplace_back("end"); }
  Task<DevEvent> until(Kind kind) {
    limit_.armAfter(std::chrono::seconds(10));
    for (;;) {
      if (fresh_.empty()) {
        arrived_.clear();
        co_await arrived_.wait();
      }
      if (fresh_.empty()) {
        ADD_FAILURE() << "no event " << eventName(kind);
        co_return DevEvent{.kind = kind};
      }
      DevEvent event = fresh_.front();
      fresh_.pop_front();
      if (event.kind == kind) co_return event;
    }
  }
  [[nodiscard]] Kinds kinds() const {
    Kinds kinds;
    for (const DevEvent& event : all) kinds.push_back(event.kind);
    return kinds;
  }
  std::vector<DevEvent> all;
  std::vector<std::string> work;

 private:
  std::deque<DevEvent> fresh_;
  Event arrived_;
  net::Timer limit_;
};

// A session on a shard, and what it works with.
struct Bench {
  explicit Bench(net::Shard& shard)
      : events(shard),
        session({shard, workbench, deployer, watcher, events, clock},
                {.pause = std::chrono::milliseconds(0)}),
        shard_(shard) {}
  Task<void> start() {
    const auto opened = co_await session.open();
    EXPECT_TRUE(opened) << opened.error().describe();
    tasks.spawn(runOn(&session, &ended));
  }
  static Task<void> runOn(Session* session, std::optional<Error>* ended) {
    *ended = co_await session->run();
  }
  // What waits for the session is resumed by it, and must not end it from there.
  Task<void> end() {
    co_await shard_.sleepFor(std::chrono::milliseconds(1));
    workbench.letGo();
    tasks.cancelAll();
  }
  void notice() { session.notice({"main"}, shard_.now()); }

  SystemClock clock;
  FakeWorkbench workbench;
  FakeDeployer deployer;
  FakeWatcher watcher;
  Events events;
  Session session;
  std::optional<Error> ended;
  TaskSet tasks;
  net::Shard& shard_;
};

class SessionTest : public net::ShardTest {
 protected:
  using Story = std::function<Task<void>(Bench&)>;
  void tell(Story story) {
    run([&](net::Shard& shard) -> Task<void> {
      Bench bench(shard);
      co_await bench.start();
      co_await story(bench);
      co_await bench.end();
    });
  }
};

}  // namespace nimbus::dev
