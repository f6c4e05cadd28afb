#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "base/task.h"
#include "base/test_folder.h"
#include "host/workload/runtime.h"
#include "net/shard.h"

// For tests only.
namespace nimbus::host {

// One shard; `run` executes a coroutine on it and waits for its end.
class ShardTest : public ::testing::Test {
 protected:
  ShardTest() {
    auto started = net::ShardGroup::start(1);
    EXPECT_TRUE(started) << started.error().describe();
    shards_ = *std::move(started);
  }
  void run(std::move_only_function<Task<void>(net::Shard&)> make) {
    shards_->runTask(0, std::move(make));
  }

  std::unique_ptr<net::ShardGroup> shards_;
};

// Lets everything that is ready on the shard run.
inline Task<void> settle(net::Shard& shard) {
  for (int turn = 0; turn < 5; ++turn) {
    OneShot<int> next;
    shard.post([&next] { next.set(0); });
    co_await next.wait();
  }
}

class FakeDeployment final : public Deployment {
 public:
  FakeDeployment(std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation)
      : spec_(std::move(spec)), generation_(generation) {}
  [[nodiscard]] const WorkloadSpec& spec() const override { return *spec_; }
  [[nodiscard]] std::uint64_t generation() const override { return generation_; }
  [[nodiscard]] std::vector<ComponentStatus> components() const override {
    std::vector<ComponentStatus> all;
    for (const ComponentSpec& component : spec_->components) {
      ComponentStatus& status = all.emplace_back();
      status.name = component.name;
      status.kind = "http-p2";
    }
    return all;
  }
  [[nodiscard]] std::optional<ServiceStatus> service() const override {
    if (!spec_->service) return std::nullopt;
    ServiceStatus status{.component = {}, .progress = progress};
    status.component.name = spec_->service->component.name;
    status.component.kind = "command-p2";
    return status;
  }

  ServiceProgress progress;

 private:
  std::shared_ptr<const WorkloadSpec> spec_;
  std::uint64_t generation_;
};

// A data plane that only writes down what it is asked. A component whose file is called "bad"
// fails to prepare; while `hold` is true, prepare() waits for letGo().
class FakeRuntime final : public WorkloadRuntime {
 public:
  std::vector<std::string> calls;
  bool hold = false;
  int failing_fetches = 0;  // of images called "…/flaky:…"
  std::size_t preparing = 0;

  void letGo() {
    const auto gate = std::exchange(gate_, std::make_unique<Event>());
    gate->set();
  }

  // A component whose image is called "…/slow:…" is fetched until letFetch().
  Task<Result<std::shared_ptr<const WorkloadSpec>>> fetch(std::shared_ptr<const WorkloadSpec> spec,
                                                          Freshness freshness) override {
    if (spec->components.empty() || spec->components[0].image.empty()) co_return spec;
    calls.push_back((freshness == Freshness::kCacheWillDo ? "find " : "fetch ") + spec->id());
    if (spec->components[0].image.contains("/slow:")) co_await fetched_.wait();
    if (spec->components[0].image.contains("/gone:"))
      co_return fail(ErrorCode::kNotFound, "there is no such image");
    if (spec->components[0].image.contains("/alien:"))
      co_return fail(ErrorCode::kProtocol, "that is no registry");
    if (spec->components[0].image.contains("/flaky:") && failing_fetches > 0) {
      --failing_fetches;
      co_return fail(ErrorCode::kUnavailable, "the registry is down");
    }
    co_return spec;
  }
  void letFetch() { fetched_.set(); }
  bool hold_retiring = false;  // retire() waits for letRetire()
  void letRetire() {
    hold_retiring = false;
    retired_.set();
  }

  Task<Result<std::shared_ptr<Deployment>>> prepare(std::shared_ptr<const WorkloadSpec> spec,
                                                    std::uint64_t generation) override {
    calls.push_back("prepare " + spec->id());
    {
      const Preparing counted(preparing);
      if (hold) co_await gate_->wait();
    }
    for (const ComponentSpec& component : spec->components)
      if (component.file.ends_with("/bad"))
        co_return fail(ErrorCode::kInvalidArgument, "the component is bad");
    newest_ = std::make_shared<FakeDeployment>(std::move(spec), generation);
    co_return newest_;
  }

  Task<Result<std::vector<std::shared_ptr<Deployment>>>> prepareTogether(
      std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) override {
    std::vector<std::shared_ptr<Deployment>> all;
    for (auto& spec : specs) {
      CO_TRY(auto prepared, co_await prepare(std::move(spec), generation));
      all.push_back(std::move(prepared));
    }
    co_return all;
  }

  // Those of one change in one line.
  Task<void> swapTogether(std::vector<Replacement> replacements) override {
    std::string call = "swap ";
    for (const auto& [previous, next] : replacements)
      call +=
          (call.ends_with(' ') ? "" : ", ") + nameOf(previous.get()) + " -> " + nameOf(next.get());
    calls.push_back(std::move(call));
    co_return;
  }

  Task<void> retire(std::shared_ptr<Deployment> deployment, Duration) override {
    calls.push_back("retire " + nameOf(deployment.get()));
    if (hold_retiring) co_await retired_.wait();
  }

  void onServiceNews(std::function<void(const ServiceNews&)> tell) override {
    tell_ = std::move(tell);
  }
  // What a service of the newest deployment does.
  void serviceDoes(ServiceProgress progress) {
    newest_->progress = progress;
    tell({newest_->spec().id(), newest_->spec().service->component.name, newest_->generation(),
          std::move(progress)});
  }
  void tell(const ServiceNews& news) { tell_(news); }

  void onEndedNews(std::function<void(const EndedNews&)> tell) override {
    tell_ended_ = std::move(tell);
  }
  // The data plane ends the newest deployment.
  void end(std::string reason) {
    endGeneration(newest_->spec().id(), newest_->generation(), std::move(reason));
  }
  void endGeneration(std::string workload, std::uint64_t generation, std::string reason) {
    tell_ended_({std::move(workload), generation, std::move(reason)});
  }

 private:
  // Also if it is given up.
  class Preparing {
   public:
    explicit Preparing(std::size_t& count) : count_(count) { ++count_; }
    Preparing(const Preparing&) = delete;
    Preparing& operator=(const Preparing&) = delete;
    ~Preparing() { --count_; }

   private:
    std::size_t& count_;
  };
  static std::string nameOf(const Deployment* deployment) {
    return deployment == nullptr
               ? "nothing"
               : deployment->spec().id() + "#" + std::to_string(deployment->generation());
  }

  std::shared_ptr<FakeDeployment> newest_;
  std::function<void(const ServiceNews&)> tell_;
  std::function<void(const EndedNews&)> tell_ended_;
  std::unique_ptr<Event> gate_ = std::make_unique<Event>();
  Event fetched_;
  Event retired_;
};

// A workload with one component and one route.
inline WorkloadSpec makeSpec(std::string name, std::string path = "",
                             std::string file = "/w/good") {
  WorkloadSpec spec;
  spec.name = std::move(name);
  ComponentSpec& component = spec.components.emplace_back();
  component.name = "web";
  component.file = std::move(file);
  RouteSpec& route = spec.routes.emplace_back();
  route.path = path.empty() ? "/" + spec.name : std::move(path);
  route.component = "web";
  return spec;
}

}  // namespace nimbus::host
