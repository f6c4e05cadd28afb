#include "dev/plan_watcher.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/sync.h"
#include "dev/test_support.h"
#include "net/test_support.h"

namespace nimbus::dev {
namespace {

using Paths = std::vector<std::string>;

// Waits for what a watcher tells.
class Told {
 public:
  explicit Told(net::Shard& shard) : limit_(shard, [this] { arrived_.set(); }) {}
  [[nodiscard]] PlanWatcher::Told functions() {
    return {.changed =
                [this](Paths paths, TimePoint) {
                  changes_.push_back(std::move(paths));
                  arrived_.set();
                },
            .problem = [this](const Error& error) { problems.push_back(error.describe()); }};
  }
  // Within a time in which it would have come; nothing: it did not.
  Task<std::optional<Paths>> next() {
    limit_.armAfter(std::chrono::seconds(10));
    if (changes_.empty()) {
      arrived_.clear();
      co_await arrived_.wait();
    }
    limit_.disarm();
    if (changes_.empty()) co_return std::nullopt;
    Paths first = std::move(changes_.front());
    changes_.erase(changes_.begin());
    co_return first;
  }
  Paths problems;

 private:
  std::vector<Paths> changes_;
  Event arrived_;
  net::Timer limit_;
};

class PlanWatcherTest : public net::ShardTest {
 protected:
  [[nodiscard]] std::shared_ptr<DevPlan> planOfProject() const {
    auto plan = std::make_shared<DevPlan>();
    PlannedProject& project = plan->projects.emplace_back();
    project.component = "app";
    project.folder = project_.path();
    project.build.component_path = "out/app.wasm";
    return plan;
  }
  using Story = std::function<Task<void>(PlanWatcher&, Told&)>;
  void follow(const std::shared_ptr<const DevPlan>& plan, Story story) {
    run([&](net::Shard& shard) -> Task<void> {
      Told told(shard);
      PlanWatcher watcher(shard, std::chrono::milliseconds(10), told.functions());
      const auto followed = watcher.follow(plan);
      EXPECT_TRUE(followed) << followed.error().describe();
      co_await story(watcher, told);
      EXPECT_EQ(told.problems, Paths{});
    });
  }
  ProjectFolder project_;
  ProjectFolder outside_;
};

// Sends what this process writes to standard output into a file, for as long as it lives.
class Redirected {
 public:
  explicit Redirected(const std::string& path) : kept_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::close(file);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() {
    std::fflush(stdout);
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }

 private:
  const int kept_;
};

TEST_F(PlanWatcherTest, WhatIsPrintedIntoTheProjectIsNoSource) {
  const std::shared_ptr<DevPlan> plan = planOfProject();
  const PlannedProject& project = plan->projects[0];
  {
    const Redirected output(project_.path("log"));
    EXPECT_TRUE(rulesOf(project).ignores("log", false));
  }
  EXPECT_FALSE(rulesOf(project).ignores("log", false));
}

TEST_F(PlanWatcherTest, SourcesAreToldAndResultsAreNot) {
  project_.write("out/app.wasm", "x");
  project_.write("src/main", "x");
  follow(planOfProject(), [this](PlanWatcher&, Told& told) -> Task<void> {
    project_.write("out/app.wasm", "y");
    project_.write("src/main", "y");
    EXPECT_EQ(co_await told.next(), Paths{"src/main"});
  });
}

TEST_F(PlanWatcherTest, AnotherGitignoreCountsAtOnce) {
  project_.write("logs/one", "x");
  follow(planOfProject(), [this](PlanWatcher&, Told& told) -> Task<void> {
    project_.write("logs/one", "y");
    EXPECT_EQ(co_await told.next(), Paths{"logs/one"});
    project_.write(".gitignore", "logs/\n");
    EXPECT_EQ(co_await told.next(), Paths{".gitignore"});
    project_.write("logs/one", "z");
    project_.write("main", "x");
    EXPECT_EQ(co_await told.next(), Paths{"main"});
  });
}

TEST_F(PlanWatcherTest, FilesOutsideOfProjectsAreFollowed) {
  outside_.write("lib.wasm", "x");
  outside_.write("values/one", "x");
  const auto plan = planOfProject();
  plan->components.emplace_back().spec.file = outside_.path("lib.wasm");
  plan->sources.push_back(outside_.path("values"));
  plan->sources.push_back(outside_.path("missing/config.yaml"));
  follow(plan, [this](PlanWatcher&, Told& told) -> Task<void> {
    outside_.write("lib.wasm", "y");
    EXPECT_TRUE(co_await told.next());
    outside_.write("values/two", "y");
    EXPECT_TRUE(co_await told.next());
  });
}

TEST_F(PlanWatcherTest, AFileThatIsIgnoredInAProjectIsFollowedIfThePlanNeedsIt) {
  project_.write(".gitignore", ".env\n");
  project_.write(".env", "A=1");
  const auto plan = planOfProject();
  plan->sources.push_back(project_.path(".env"));
  follow(plan, [this](PlanWatcher&, Told& told) -> Task<void> {
    project_.write(".env", "A=2");
    EXPECT_TRUE(co_await told.next());
  });
}

TEST_F(PlanWatcherTest, AFolderThatIsIgnoredInAProjectIsFollowedIfThePlanNeedsIt) {
  project_.write(".gitignore", "secrets/\n");
  project_.write("secrets/TOKEN", "1");
  const auto plan = planOfProject();
  plan->sources.push_back(project_.path("secrets"));
  follow(plan, [this](PlanWatcher&, Told& told) -> Task<void> {
    project_.write("secrets/TOKEN", "2");
    EXPECT_TRUE(co_await told.next());
  });
}

TEST_F(PlanWatcherTest, AMissingProjectIsAnErrorAndLeavesWhatWasFollowed) {
  follow(planOfProject(), [this](PlanWatcher& watcher, Told& told) -> Task<void> {
    auto other = std::make_shared<DevPlan>();
    other->projects.emplace_back().folder = outside_.path("missing");
    EXPECT_FALSE(watcher.follow(other));
    project_.write("main", "x");
    EXPECT_EQ(co_await told.next(), Paths{"main"});
  });
}

}  // namespace
}  // namespace nimbus::dev
