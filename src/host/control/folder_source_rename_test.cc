#include "host/control/folder_source_fixture.h"

#include <algorithm>

#include <gmock/gmock.h>

// Workloads of which the file goes, while another one is to have their routes.
namespace nimbus::host {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST_F(FolderSourceTest, AWorkloadThatIsRenamedServesUntilItsSuccessorDoes) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("old", "/x"));
    co_await rig.start();
    rig.runtime.calls.clear();
    rig.put("a.yaml", manifest("new", "/x"));
    co_await rig.event(EventKind::kRemoved, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("new /x"));
    EXPECT_THAT(rig.problems(), IsEmpty());
    EXPECT_THAT(rig.runtime.calls,
                Contains(AnyOf("swap default/old#1 -> nothing, nothing -> default/new#2",
                               "swap nothing -> default/new#2, default/old#1 -> nothing")));
  });
}

TEST_F(FolderSourceTest, AWorkloadWhoseSuccessorCannotStartServesOn) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("old", "/x"));
    co_await rig.start();
    rig.put("a.yaml", manifest("new", "/x", "/w/bad"));
    co_await rig.event(EventKind::kProblem, "default/new");
    co_await settle(shard);
    EXPECT_EQ(rig.manager.get("default/old")->serving_generation, 1U);
    EXPECT_EQ(rig.manager.get("default/old")->reason,
              "its manifest is gone; it serves until what is to have its routes does");
    // Whatever else changes meanwhile, also in that file.
    rig.put("b.yaml", manifest("b", "/b"));
    co_await rig.event(EventKind::kRunning, "default/b");
    rig.put("a.yaml", "nonsense");
    co_await rig.event(EventKind::kProblem, "default/new");
    co_await settle(shard);
    EXPECT_EQ(rig.manager.get("default/old")->serving_generation, 1U);
    EXPECT_EQ(std::ranges::count(rig.runtime.calls, "prepare default/new"), 1);

    rig.put("a.yaml", manifest("new", "/x"));
    co_await rig.event(EventKind::kRemoved, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("b /b", "new /x"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AWorkloadIsRenamedWhereThereMayBeNoMore) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard, makeMemoryWorkloadStore(), {.max_workloads = 1});
    rig.put("a.yaml", manifest("old", "/x"));
    co_await rig.start();
    rig.put("b.yaml", manifest("b", "/b"));
    EXPECT_TRUE((co_await rig.event(EventKind::kProblem)).message.contains("the most it takes"));
    std::filesystem::remove(rig.path("b.yaml"));
    rig.put("a.yaml", manifest("new", "/x"));
    co_await rig.event(EventKind::kRemoved, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("new /x"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

// One with the route /x that waits for its image until letFetch().
std::string slow(std::string_view name) {
  return fmt::format(
      "name: {}\ncomponents: [{{name: web, image: r.example/slow:1}}]\n"
      "http: {{routes: [{{path: /x}}]}}\n",
      name);
}

// One that serves, and a successor of its file that waits for its image until letFetch().
Task<void> startRenamingThatWaits(FolderRig& rig, const std::string& from, const std::string& to) {
  rig.put("a.yaml", manifest(from, "/x"));
  co_await rig.start();
  rig.put("a.yaml", slow(to));
  co_await rig.event(EventKind::kStarting, "default/" + to);
}

TEST_F(FolderSourceTest, NobodyElseWaitsForASuccessor) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("b.yaml", atHome("b"));
    co_await rig.event(EventKind::kRunning, "default/b");
    EXPECT_THAT(rig.running(), ElementsAre("b /b", "old /x"));
    rig.runtime.letFetch();
    co_await rig.event(EventKind::kRemoved, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("b /b", "new /x"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, WithoutItsSuccessorItGoesAtOnce) {
  using Names = std::pair<std::string, std::string>;
  for (const auto& [from, to] : {Names{"a-old", "b-new"}, Names{"b-old", "a-new"}})
    run([&](net::Shard& shard) -> Task<void> {
      FolderRig rig(shard);
      co_await startRenamingThatWaits(rig, from, to);
      std::filesystem::remove(rig.path("a.yaml"));
      co_await rig.event(EventKind::kRemoved, "default/" + from);
      rig.put("c.yaml", atHome("c"));
      co_await rig.event(EventKind::kRunning, "default/c");
      EXPECT_THAT(rig.running(), ElementsAre("c /c"));
      EXPECT_FALSE(rig.manager.get("default/" + to)) << "it waits for its image no longer";
    });
}

TEST_F(FolderSourceTest, ItGoesWhenItsSuccessorWantsOtherRoutes) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("a.yaml", manifest("new", "/y"));
    co_await rig.event(EventKind::kRemoved, "default/old");
    rig.runtime.letFetch();
    while (rig.running() != std::vector<std::string>{"new /y"})
      co_await rig.event(EventKind::kRunning, "default/new");
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, OneWhoseManifestComesBackUnusableServesOn) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("a.yaml", manifest("old", "/x") +
                          "hostInterfaces: [{namespace: acme, package: none, interfaces: [a]}]\n");
    co_await rig.event(EventKind::kRemoved, "default/new");
    co_await rig.event(EventKind::kProblem, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("old /x"));
  });
}

TEST_F(FolderSourceTest, OneWhoseManifestComesBackElsewhereKeepsItsRoutes) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("b.yaml", manifest("old", "/x"));
    while (rig.manager.get("default/old")->source != "b.yaml")
      co_await shard.sleepFor(std::chrono::milliseconds(1));
    rig.runtime.letFetch();
    while (rig.source->problems().size() != 1 || rig.source->problems()[0].file != "a.yaml")
      co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_THAT(rig.running(), ElementsAre("old /x"));
    EXPECT_EQ(rig.manager.get("default/old")->reason, "");
  });
}

TEST_F(FolderSourceTest, TheSameManifestAgainChangesNothingOfAnExchange) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("a.yaml", "# the same\n" + slow("new"));
    rig.put("b.yaml", atHome("b"));
    co_await rig.event(EventKind::kRunning, "default/b");
    rig.runtime.letFetch();
    co_await rig.event(EventKind::kRemoved, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("b /b", "new /x"));
    EXPECT_EQ(std::ranges::count(rig.runtime.calls, "prepare default/new"), 1);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, WhatFailsAgainAndAgainPausesWhateverIsReleased) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    constexpr int kMany = 100'000;
    for (const char* name : {"a", "b", "c"}) rig.put(fmt::format("{}.yaml", name), atHome(name));
    co_await rig.start();
    rig.runtime.failing_fetches = kMany;
    rig.put("a.yaml", manifest("a", "/b"));
    rig.put("b.yaml", manifest("b", "/c"));
    rig.put("c.yaml",
            "name: c\ncomponents: [{name: web, image: r.example/flaky:1}]\n"
            "http: {routes: [{path: /a}]}\n");
    co_await rig.event(EventKind::kFailed, "default/c");
    co_await shard.sleepFor(std::chrono::milliseconds(200));
    EXPECT_LE(kMany - rig.runtime.failing_fetches, 20);
  });
}

TEST_F(FolderSourceTest, WhatIsRefusedTakesNoRoutesFromOneThatIsGone) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("old", "/x"));
    co_await rig.start();
    rig.put("a.yaml", manifest("new", "/x") + "components2: 1\n");
    co_await rig.event(EventKind::kProblem, "default/old");
    rig.put("a.yaml",
            "name: new\ncomponents: [{name: web, file: /w/a}]\n"
            "http: {routes: [{path: /x}]}\n"
            "hostInterfaces: [{namespace: acme, package: none, interfaces: [a]}]\n");
    co_await rig.event(EventKind::kProblem, "default/new");
    co_await settle(shard);
    EXPECT_EQ(rig.manager.get("default/old")->serving_generation, 1U);
    // Nobody wants its routes any more.
    std::filesystem::remove(rig.path("a.yaml"));
    co_await rig.event(EventKind::kRemoved, "default/old");
    EXPECT_THAT(rig.running(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AWorkloadWhoseManifestComesBackIsNotRemoved) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startRenamingThatWaits(rig, "old", "new");
    rig.put("a.yaml", manifest("old", "/x", "/w/other"));
    while (rig.manager.get("default/old")->serving_generation == 1)
      co_await rig.event(EventKind::kRunning, "default/old");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("old /x"));
    EXPECT_EQ(rig.manager.get("default/old")->spec->components[0].file, "/w/other");
    EXPECT_EQ(rig.manager.get("default/old")->reason, "");
    EXPECT_THAT(rig.runtime.calls, Not(Contains("swap default/old#1 -> nothing")));
  });
}

}  // namespace
}  // namespace nimbus::host
