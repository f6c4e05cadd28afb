#include "host/control/folder_source_fixture.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

namespace nimbus::host {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A store whose disk is full for the first generations that are asked for.
class FullStore final : public WorkloadStore {
 public:
  explicit FullStore(int refusals) : refusals_(refusals) {}
  Task<std::vector<StoredWorkload>> load() override { return inner_->load(); }
  Task<Result<void>> save(StoredWorkload workload) override {
    return inner_->save(std::move(workload));
  }
  Task<Result<void>> remove(std::string id) override { return inner_->remove(std::move(id)); }
  Result<std::uint64_t> nextGeneration() override {
    if (refusals_-- > 0) return fail(ErrorCode::kIo, "the disk is full");
    return inner_->nextGeneration();
  }
  [[nodiscard]] bool durable() const override { return true; }

 private:
  const std::unique_ptr<WorkloadStore> inner_ = makeMemoryWorkloadStore();
  int refusals_;
};

TEST_F(FolderSourceTest, AppliesWhatIsThereBeforeItIsStarted) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/a"));
    rig.put("b.yml", manifest("b", "/b"));
    rig.put("c.json", R"({"name":"c","components":[{"name":"web","file":"/w/good"}],)"
                      R"("http":{"routes":[{"path":"/c"}]}})");
    rig.put(".hidden.yaml", manifest("hidden", "/hidden"));
    rig.put("notes.txt", "not a manifest");
    std::filesystem::create_directory(rig.path("folder.yaml"));
    co_await rig.start();
    EXPECT_THAT(rig.running(), ElementsAre("a /a", "b /b", "c /c"));
    EXPECT_EQ(rig.manager.get("default/a")->owner, WorkloadOwner::kFolder);
    EXPECT_EQ(rig.manager.get("default/a")->source, "a.yaml");
    EXPECT_THAT(rig.problems(), ElementsAre(HasSubstr("folder.yaml is not a regular file")));
  });
}

TEST_F(FolderSourceTest, FollowsNewChangedAndRemovedFiles) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await rig.start();
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.event(EventKind::kRunning, "default/a");
    rig.put("a.yaml", manifest("a", "/2"));
    co_await rig.event(EventKind::kRunning, "default/a");
    EXPECT_THAT(rig.running(), ElementsAre("a /2"));
    std::filesystem::remove(rig.path("a.yaml"));
    co_await rig.event(EventKind::kRemoved, "default/a");
    EXPECT_THAT(rig.running(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, RelativeComponentFilesStartAtTheFolder) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/", "bin/a.wasm"));
    co_await rig.start();
    EXPECT_EQ(rig.manager.get("default/a")->spec->components[0].file, rig.path("bin/a.wasm"));
  });
}

TEST_F(FolderSourceTest, ABrokenFileKeepsTheOldGenerationAndIsReported) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.start();
    rig.put("a.yaml", "name: a\ncomponents: oops\n");
    const HostEvent problem = co_await rig.event(EventKind::kProblem, "default/a");
    EXPECT_EQ(problem.message, "a.yaml:2: components: expected a list, found the string \"oops\"");
    EXPECT_THAT(rig.running(), ElementsAre("a /1"));
    EXPECT_EQ(rig.manager.get("default/a")->reason, problem.message);
    EXPECT_THAT(rig.problems(), ElementsAre(problem.message));

    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.event(EventKind::kResolved, "default/a");
    EXPECT_EQ(rig.manager.get("default/a")->reason, "");
    EXPECT_EQ(rig.manager.get("default/a")->serving_generation, 1U);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AFileThatIsBrokenFromTheStartIsReported) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", "nmae: a\n");
    rig.put("b.yaml", manifest("b", "/", "/w/bad"));
    co_await rig.start();
    EXPECT_THAT(rig.problems(),
                ElementsAre(HasSubstr("a.yaml:1: "), "b.yaml: the component is bad"));
    EXPECT_EQ(rig.manager.get("default/b")->state, WorkloadState::kError);
  });
}

TEST_F(FolderSourceTest, TheSecondFileForAWorkloadIsRefusedAndNamesTheFirst) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("b.yaml", manifest("x", "/b"));
    co_await rig.start();
    rig.put("a.yaml", manifest("x", "/a"));
    const HostEvent problem = co_await rig.event(EventKind::kProblem);
    EXPECT_EQ(problem.message,
              "a.yaml: the workload \"default/x\" is already described by the file \"b.yaml\"");
    EXPECT_THAT(rig.running(), ElementsAre("x /b"));
    std::filesystem::remove(rig.path("b.yaml"));
    co_await rig.event(EventKind::kRunning, "default/x");
    EXPECT_THAT(rig.running(), ElementsAre("x /a"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, RenamingAFileIsNotARemoval) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("x", "/x"));
    co_await rig.start();
    std::filesystem::rename(rig.path("a.yaml"), rig.path("b.yaml"));
    rig.put("z.yaml", manifest("z", "/z"));
    co_await rig.event(EventKind::kRunning, "default/z");
    EXPECT_EQ(rig.manager.get("default/x")->source, "b.yaml");
    EXPECT_THAT(rig.runtime.calls, Not(Contains("retire default/x#1")));
  });
}

TEST_F(FolderSourceTest, AWorkloadThatWaitsForARouteGetsItOnceItIsFree) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/shop"));
    rig.put("b.yaml", manifest("b", "/shop"));
    co_await rig.start();
    EXPECT_THAT(rig.running(), ElementsAre("a /shop"));
    EXPECT_THAT(rig.problems(),
                ElementsAre("b.yaml: the route \"any host, path /shop\" is already claimed by the "
                            "workload \"default/a\""));
    rig.put("a.yaml", manifest("a", "/elsewhere"));
    co_await rig.event(EventKind::kResolved);
    EXPECT_THAT(rig.running(), ElementsAre("a /elsewhere", "b /shop"));
  });
}

TEST_F(FolderSourceTest, WorkloadsThatExchangeTheirRoutesDoSoAtOneMoment) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    for (const char* name : {"a", "b", "c"}) rig.put(fmt::format("{}.yaml", name), atHome(name));
    co_await rig.start();
    rig.runtime.calls.clear();
    rig.put("a.yaml", manifest("a", "/b"));
    rig.put("b.yaml", manifest("b", "/c"));
    rig.put("c.yaml", manifest("c", "/a"));
    while (rig.running() != std::vector<std::string>{"a /b", "b /c", "c /a"})
      co_await rig.event(EventKind::kRunning);
    EXPECT_THAT(rig.problems(), IsEmpty());
    EXPECT_THAT(rig.runtime.calls, Contains("swap default/a#1 -> default/a#4, default/b#2 -> "
                                            "default/b#5, default/c#3 -> default/c#6"));
  });
}

TEST_F(FolderSourceTest, AnExchangeThatOneCannotTakePartInLeavesTheOthersAsTheyAre) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    for (const char* name : {"a", "b"}) rig.put(fmt::format("{}.yaml", name), atHome(name));
    co_await rig.start();
    rig.put("a.yaml", manifest("a", "/b"));
    rig.put("b.yaml", manifest("b", "/a", "/w/bad"));
    co_await rig.event(EventKind::kProblem, "default/b");
    co_await settle(shard);
    EXPECT_THAT(rig.running(), ElementsAre("a /b", "b /a"));
    EXPECT_EQ(rig.manager.get("default/a")->serving_generation, 1U);
    EXPECT_THAT(rig.problems(),
                ElementsAre("a.yaml: the route \"any host, path /b\" is already claimed by the "
                            "workload \"default/b\"",
                            "b.yaml: the component is bad"));

    rig.put("b.yaml", manifest("b", "/a"));
    while (rig.manager.get("default/b")->serving_generation < 3)
      co_await rig.event(EventKind::kRunning);
    co_await settle(shard);
    EXPECT_GT(rig.manager.get("default/a")->serving_generation, 2U);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

// Two that are to exchange their routes, where "b" waits for its image until letFetch().
Task<void> startExchangeThatWaits(FolderRig& rig) {
  for (const char* name : {"a", "b"}) rig.put(fmt::format("{}.yaml", name), atHome(name));
  co_await rig.start();
  rig.put("a.yaml", manifest("a", "/b"));
  rig.put("b.yaml",
          "name: b\ncomponents: [{name: web, image: r.example/slow:1}]\n"
          "http: {routes: [{path: /a}]}\n");
  co_await rig.event(EventKind::kStarting, "default/b");
  co_await rig.event(EventKind::kStarting, "default/b");
}

TEST_F(FolderSourceTest, ANewerManifestDoesNotWaitForAnExchange) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startExchangeThatWaits(rig);
    rig.put("a.yaml", manifest("a", "/elsewhere"));
    while (rig.running()[0] != "a /elsewhere") co_await rig.event(EventKind::kRunning);
    rig.runtime.letFetch();
    while (rig.running()[1] != "b /a") co_await rig.event(EventKind::kRunning, "default/b");
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, ANewerManifestOfAMemberTakesItsPlaceInTheExchange) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startExchangeThatWaits(rig);
    rig.put("a.yaml", manifest("a", "/b", "/w/other"));
    rig.put("c.yaml", atHome("c"));
    co_await rig.event(EventKind::kRunning, "default/c");
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
    EXPECT_EQ(rig.manager.get("default/a")->serving_generation, 1U);

    rig.runtime.letFetch();
    co_await settle(shard);
    EXPECT_EQ(rig.manager.get("default/a")->spec->components[0].file, "/w/other");
    EXPECT_THAT(rig.runtime.calls,
                Contains("swap default/a#1 -> default/a#5, default/b#2 -> default/b#4"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, ANewerManifestOfAMemberThatIsBeingPreparedTakesItsPlaceInTheExchange) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startExchangeThatWaits(rig);
    rig.put("b.yaml", manifest("b", "/a"));
    while (rig.running() != std::vector<std::string>{"a /b", "b /a"} ||
           rig.manager.get("default/b")->serving_generation == 2)
      co_await rig.event(EventKind::kRunning, "default/b");
    co_await settle(shard);
    EXPECT_THAT(rig.runtime.calls,
                Contains("swap default/a#1 -> default/a#3, default/b#2 -> default/b#5"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

// Two that are to exchange their routes, where the image of "b" cannot be had so many times.
Task<void> startExchangeThatFails(FolderRig& rig, int times) {
  for (const char* name : {"a", "b"}) rig.put(fmt::format("{}.yaml", name), atHome(name));
  co_await rig.start();
  rig.runtime.failing_fetches = times;
  rig.put("a.yaml", manifest("a", "/b"));
  rig.put("b.yaml",
          "name: b\ncomponents: [{name: web, image: r.example/flaky:1}]\n"
          "http: {routes: [{path: /a}]}\n");
}

TEST_F(FolderSourceTest, AnExchangeIsTriedAgainWhenTheImageOfOneCouldNotBeHad) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await startExchangeThatFails(rig, 1);
    co_await rig.event(EventKind::kFailed, "default/b");
    while (rig.running() != std::vector<std::string>{"a /b", "b /a"} ||
           rig.manager.get("default/b")->serving_generation == 2)
      co_await rig.event(EventKind::kRunning);
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AnExchangeThatFailsPausesBeforeItIsTriedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    constexpr int kMany = 100'000;
    co_await startExchangeThatFails(rig, kMany);
    for (int i = 0; i < 3; ++i) co_await rig.event(EventKind::kFailed, "default/b");
    co_await shard.sleepFor(std::chrono::milliseconds(100));
    // A pause is 20 ms; without one there are hundreds.
    EXPECT_LE(kMany - rig.runtime.failing_fetches, 30);
  });
}

TEST_F(FolderSourceTest, AWorkloadOfTheApiIsNotTouched) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await rig.start();
    co_await rig.manager.apply(std::make_shared<const WorkloadSpec>(makeSpec("a", "/api")),
                               {.source = ""});
    rig.put("a.yaml", manifest("a", "/folder"));
    const HostEvent problem = co_await rig.event(EventKind::kProblem);
    EXPECT_EQ(problem.message,
              "a.yaml: the workload \"default/a\" is owned by the administration API");
    EXPECT_EQ(rig.manager.get("default/a")->reason, "");
    std::filesystem::remove(rig.path("a.yaml"));
    co_await rig.event(EventKind::kResolved);
    EXPECT_THAT(rig.running(), ElementsAre("a /api"));
  });
}

TEST_F(FolderSourceTest, FollowsTheLinksOfAConfigMap) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    const auto publish = [&rig](const std::string& version, const std::string& path) {
      std::filesystem::create_directory(rig.path(".." + version));
      rig.folder.write("w/.." + version + "/a.yaml", manifest("a", path));
      std::filesystem::create_directory_symlink(".." + version, rig.path("..data_tmp"));
      std::filesystem::rename(rig.path("..data_tmp"), rig.path("..data"));
    };
    publish("v1", "/1");
    std::filesystem::create_symlink("..data/a.yaml", rig.path("a.yaml"));
    co_await rig.start();
    EXPECT_THAT(rig.running(), ElementsAre("a /1"));
    publish("v2", "/2");
    co_await rig.event(EventKind::kRunning, "default/a");  // of the first generation
    co_await rig.event(EventKind::kRunning, "default/a");
    EXPECT_THAT(rig.running(), ElementsAre("a /2"));
  });
}

TEST_F(FolderSourceTest, FollowsALinkToAFileThatIsReplacedElsewhere) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    const auto publish = [&rig](std::string_view text) {
      rig.folder.write("staged", text);
      std::filesystem::rename(rig.folder.path("staged"), rig.folder.path("source.yaml"));
    };
    publish(manifest("a", "/1"));
    std::filesystem::create_symlink("../source.yaml", rig.path("a.yaml"));
    co_await rig.start();
    EXPECT_THAT(rig.running(), ElementsAre("a /1"));
    publish(manifest("a", "/2"));
    while (rig.running() != std::vector<std::string>{"a /2"})
      co_await rig.event(EventKind::kRunning, "default/a");

    std::filesystem::remove(rig.folder.path("source.yaml"));
    co_await rig.event(EventKind::kProblem);
    EXPECT_THAT(rig.running(), ElementsAre("a /2"));
    publish(manifest("a", "/3"));
    co_await rig.event(EventKind::kResolved);
    EXPECT_THAT(rig.running(), ElementsAre("a /3"));
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST(FolderReader, TellsWhetherLinksLeadToSomethingElse) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("w"));
  // In the future, or a test that is held up would see files that are old enough to be read again.
  const auto write = [&folder](std::string_view name, std::string_view text) {
    folder.write(name, text);
    const auto now = std::filesystem::file_time_type::clock::now();
    std::filesystem::last_write_time(folder.path(name), now + std::chrono::hours(1));
  };
  write("source.yaml", manifest("a", "/1"));
  FolderReader reader(folder.path("w"));
  ASSERT_TRUE(reader.list());
  EXPECT_FALSE(reader.hasLinks());
  std::filesystem::create_symlink("../source.yaml", folder.path("w/a.yaml"));
  std::filesystem::create_symlink("../missing.yaml", folder.path("w/b.yaml"));
  ASSERT_TRUE(reader.list());
  EXPECT_TRUE(reader.hasLinks());
  EXPECT_FALSE(reader.linksChanged());
  write("missing.yaml", manifest("b", "/2"));
  EXPECT_TRUE(reader.linksChanged());
  ASSERT_TRUE(reader.list());
  EXPECT_FALSE(reader.linksChanged());
  write("source.yaml", manifest("a", "/longer"));
  EXPECT_TRUE(reader.linksChanged());
}

TEST_F(FolderSourceTest, AReplacedComponentFileIsDeployedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.wasm", "one");
    rig.put("a.yaml", manifest("a", "/", "a.wasm"));
    co_await rig.start();
    rig.put("a.wasm", "other");
    while ((co_await rig.event(EventKind::kRunning, "default/a")).generation < 2) {
    }
    EXPECT_EQ(rig.manager.get("default/a")->serving_generation, 2U);
  });
}

TEST_F(FolderSourceTest, TheSameManifestOnceMoreStartsAWorkloadAnewThatWasEnded) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.start();
    rig.runtime.end("its volume is full");
    EXPECT_THAT(rig.running(), IsEmpty());
    rig.put("a.yaml", manifest("a", "/1"));
    while ((co_await rig.event(EventKind::kRunning, "default/a")).generation < 2) {
    }
    EXPECT_THAT(rig.running(), ElementsAre("a /1"));
    EXPECT_EQ(rig.manager.get("default/a")->reason, "");
  });
}

TEST_F(FolderSourceTest, TheSameManifestOnceMoreChangesNothingOfAWorkloadThatServes) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.start();
    rig.put("a.yaml", manifest("a", "/1"));
    rig.put("b.yaml", manifest("b", "/2"));  // seen with it or after it
    co_await rig.event(EventKind::kRunning, "default/b");
    EXPECT_EQ(rig.manager.get("default/a")->generation, 1U);
  });
}

TEST(FolderReader, AFileThatIsWrittenAgainIsANewOneWhateverItSays) {
  TemporaryFolder folder;
  folder.write("a.yaml", manifest("a", "/1"));
  FolderReader reader(folder.path());
  const auto read = [&reader] { return reader.list()->at("a.yaml"); };
  const auto first = read();
  EXPECT_EQ(read(), first);
  std::filesystem::permissions(folder.path("a.yaml"), std::filesystem::perms::owner_all);
  EXPECT_EQ(read(), first) << "its rights say nothing new";
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(folder.path("a.yaml"), now + std::chrono::hours(1));
  const auto touched = read();
  EXPECT_NE(touched, first);
  EXPECT_EQ(**touched->spec, **first->spec);
  EXPECT_EQ(read(), touched);
}

TEST_F(FolderSourceTest, AFileForWhichThereIsNoRoomIsAppliedWhenAWorkloadOfTheApiGoes) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard, makeMemoryWorkloadStore(), {.max_workloads = 1});
    co_await rig.start();
    co_await rig.manager.apply(std::make_shared<const WorkloadSpec>(makeSpec("api", "/api")),
                               {.source = ""});
    rig.put("a.yaml", manifest("a", "/1"));
    EXPECT_THAT((co_await rig.event(EventKind::kProblem)).message, HasSubstr("the most it takes"));
    const auto removed = co_await rig.manager.remove("default/api", WorkloadOwner::kApi);
    EXPECT_TRUE(removed) << removed.error().describe();
    co_await rig.event(EventKind::kRunning, "default/a");
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AVanishedFolderKeepsEverything) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.start();
    std::filesystem::rename(rig.path(), rig.folder.path("elsewhere"));
    const HostEvent problem = co_await rig.event(EventKind::kProblem);
    EXPECT_THAT(problem.message, HasSubstr("its workloads stay as they are"));
    EXPECT_THAT(rig.running(), ElementsAre("a /1"));
    std::filesystem::rename(rig.folder.path("elsewhere"), rig.path());
    rig.put("a.yaml", manifest("a", "/2"));
    co_await rig.event(EventKind::kRunning, "default/a");  // of the first generation
    while (rig.running() != std::vector<std::string>{"a /2"})
      co_await rig.event(EventKind::kRunning, "default/a");
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AFolderThatCouldNotBeReadIsReadAgainWithoutAnyChangeOfIt) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await rig.start();
    rig.put("a.yaml", manifest("a", "/1"));
    struct rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);  // what is open stays open
    const HostEvent problem = co_await rig.event(EventKind::kProblem);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_THAT(problem.message, HasSubstr("Too many open files"));
    co_await rig.event(EventKind::kRunning, "default/a");
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, AWorkloadThatTheDiskRefusedIsAppliedAgainWithoutAnyChangeOfTheFolder) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard, std::make_unique<FullStore>(2));
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.start();
    EXPECT_THAT(rig.problems(), ElementsAre("a.yaml: the disk is full"));
    co_await rig.event(EventKind::kRunning, "default/a");
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), IsEmpty());
  });
}

TEST_F(FolderSourceTest, WhatCannotBeHadYetIsAProblemUntilItIsThere) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard, makeMemoryWorkloadStore(), {.first_retry = std::chrono::milliseconds(1)});
    rig.runtime.failing_fetches = 2;
    rig.put("a.yaml", "name: a\ncomponents: [{name: web, image: r.example/flaky:1}]\n");
    co_await rig.start();
    EXPECT_EQ((co_await rig.event(EventKind::kProblem, "default/a")).message,
              "a.yaml: the registry is down");
    co_await rig.event(EventKind::kResolved, "default/a");
    EXPECT_THAT(rig.problems(), IsEmpty());
    EXPECT_EQ(rig.manager.get("default/a")->state, WorkloadState::kRunning);
  });
}

TEST_F(FolderSourceTest, ToBeTurnedAwayByAHostThatEndsIsNoProblemOfAFile) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await rig.start();
    rig.manager.startDrain();
    rig.put("a.yaml", manifest("a", "/a"));
    rig.put("b.yaml", "nmae: b\n");
    co_await rig.event(EventKind::kProblem);
    co_await settle(shard);
    EXPECT_THAT(rig.problems(), ElementsAre(HasSubstr("b.yaml:1: ")));
    EXPECT_FALSE(rig.manager.get("default/a"));
  });
}

TEST_F(FolderSourceTest, AMissingFolderIsAnErrorAtStart) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    std::filesystem::remove(rig.path());
    EXPECT_FALSE(co_await rig.source->start());
  });
}

TEST_F(FolderSourceTest, ItCanEndWhileAWorkloadStarts) {
  run([](net::Shard& shard) -> Task<void> {
    FolderRig rig(shard);
    co_await rig.start();
    rig.runtime.hold = true;
    rig.put("a.yaml", manifest("a", "/1"));
    co_await rig.event(EventKind::kStarting);
    rig.source.reset();
    rig.runtime.letGo();
    co_await rig.event(EventKind::kRunning);
  });
}

}  // namespace
}  // namespace nimbus::host
