#include "host/store/workload_store.h"

#include <sys/stat.h>

#include <algorithm>

#include <gmock/gmock.h>

#include "host/manifest/yaml_reader.h"
#include "host/store/journal.h"
#include "host/store/journal_record.h"
#include "host/store/store_test_support.h"
#include "host/store/workload_store_format.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

using testing::HasSubstr;

constexpr const char* kFirstSegment = "state/journal.0000000001";

class WorkloadStoreTest : public ShardTest {
 protected:
  // The state folder inside of a temporary one, so that the store makes it.
  std::string folder() const { return folder_.path("state"); }

  Result<std::unique_ptr<WorkloadStore>> open(net::Shard& shard) {
    return openWorkloadStore(shard, folder(), *log_);
  }
  // What a store that is opened now loads: "id#generation".
  Task<std::vector<std::string>> loaded(net::Shard& shard) {
    const auto store = open(shard);
    std::vector<std::string> all;
    EXPECT_TRUE(store) << store.error().describe();
    if (!store) co_return all;
    for (const StoredWorkload& workload : co_await (*store)->load())
      all.push_back(workload.spec->id() + "#" + std::to_string(workload.generation));
    co_return all;
  }
  Task<void> save(net::Shard& shard, std::vector<StoredWorkload> workloads) {
    const auto store = open(shard);
    EXPECT_TRUE(store);
    for (StoredWorkload& workload : workloads) {
      const auto saved = co_await (*store)->save(std::move(workload));
      EXPECT_TRUE(saved) << saved.error().describe();
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
};

StoredWorkload stored(std::string name, std::uint64_t generation) {
  return {std::make_shared<const WorkloadSpec>(makeSpec(std::move(name))), generation};
}

TEST_F(WorkloadStoreTest, GivesBackWhatWasSaved) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("b", 2), stored("a", 1), stored("b", 3)});
    EXPECT_EQ(co_await loaded(shard), (std::vector<std::string>{"default/a#1", "default/b#3"}));
  });
}

TEST_F(WorkloadStoreTest, KeepsTheWholeSpec) {
  run([this](net::Shard& shard) -> Task<void> {
    const StoredWorkload workload = stored("a", 1);
    co_await save(shard, {workload});
    const auto store = open(shard);
    const auto all = co_await (*store)->load();
    EXPECT_EQ(*all.at(0).spec, *workload.spec);
  });
}

constexpr std::string_view kLarge = "name: large\ncomponents:\n- name: web\n  file: /w/good\n";

// A quotation mark is one byte of YAML here, and two of JSON.
std::string manifestOfMostBytes() {
  std::string text = std::string(kLarge) + "annotations:\n  a: |\n    ";
  text.append(YamlLimits{}.max_bytes - text.size() - 1, '"');
  return text + '\n';
}

// Keys count as well, and so does the namespace, which only JSON has.
std::string manifestOfMostValues() {
  std::string text =
      std::string(kLarge) + "hostInterfaces:\n- namespace: a\n  package: b\n  interfaces: [c";
  for (std::size_t values = 20; values < YamlLimits{}.max_nodes; ++values) text += ",c";
  return text + "]\n";
}

TEST_F(WorkloadStoreTest, WhateverTheApiTakesIsReadAgain) {
  run([this](net::Shard& shard) -> Task<void> {
    std::uint64_t generation = 0;
    for (const std::string& text : {manifestOfMostBytes(), manifestOfMostValues()}) {
      const auto spec = parseManifest(text, "manifest", "");
      EXPECT_TRUE(spec) << spec.error().describe();
      if (!spec) co_return;
      EXPECT_FALSE(parseManifest(toJson(*spec), "json", "")) << "it is no larger than its text";
      std::vector<StoredWorkload> workloads;
      workloads.push_back({std::make_shared<const WorkloadSpec>(*spec), ++generation});
      co_await save(shard, std::move(workloads));
      const auto store = open(shard);
      const auto all = co_await (*store)->load();
      EXPECT_EQ(all.at(0).problem, "");
      EXPECT_EQ(*all.at(0).spec, *spec);
    }
  });
}

TEST_F(WorkloadStoreTest, ForgetsWhatWasRemoved) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1), stored("b", 2)});
    {
      const auto store = open(shard);
      EXPECT_TRUE(co_await (*store)->remove("default/a"));
      EXPECT_TRUE(co_await (*store)->remove("default/never-there"));
    }
    EXPECT_EQ(co_await loaded(shard), (std::vector<std::string>{"default/b#2"}));
  });
}

TEST_F(WorkloadStoreTest, ChangesThatComeTogetherAllSurvive) {
  run([this](net::Shard& shard) -> Task<void> {
    {
      const auto store = open(shard);
      std::vector<Task<Result<void>>> waiting;
      for (int i = 0; i < 100; ++i)
        waiting.push_back((*store)->save(stored("w" + std::to_string(i), 1)));
      waiting.push_back((*store)->remove("default/w7"));
      for (auto& saved : waiting) EXPECT_TRUE(co_await std::move(saved));
    }
    const auto all = co_await loaded(shard);
    EXPECT_EQ(all.size(), 99U);
    EXPECT_EQ(std::ranges::count(all, "default/w7#1"), 0);
  });
}

TEST_F(WorkloadStoreTest, ADamagedRecordIsSetAsideAndTheRestLoads) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1)});
    co_await save(shard, {stored("b", 2)});
    std::string content = folder_.read(kFirstSegment);
    content[content.find("default/a") + 60] ^= 1;
    folder_.write(kFirstSegment, content);
    EXPECT_EQ(co_await loaded(shard), (std::vector<std::string>{"default/b#2"}));
    EXPECT_EQ(folder_.read(std::string(kFirstSegment) + ".corrupt"), content);
  });
}

TEST_F(WorkloadStoreTest, ADyingHostLosesOnlyWhatItHadNotAnswered) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1)});
    folder_.write(kFirstSegment, folder_.read(kFirstSegment) + "{\"format\":1,\"sha");
    folder_.write("state/generation.tmp", "{\"form");
    EXPECT_EQ(co_await loaded(shard), (std::vector<std::string>{"default/a#1"}));
    EXPECT_FALSE(std::filesystem::exists(folder_.path("state/generation.tmp")));
  });
}

TEST_F(WorkloadStoreTest, TakesOverTheFilesOfEarlierVersions) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1), stored("b", 5)});
    folder_.write("state/default.b.json", encodeWorkloadFile(stored("b", 4)));
    folder_.write("state/default.c.json", encodeWorkloadFile(stored("c", 3)));
    const std::vector<std::string> expected{"default/a#1", "default/b#5", "default/c#3"};
    EXPECT_EQ(co_await loaded(shard), expected);
    EXPECT_FALSE(std::filesystem::exists(folder_.path("state/default.b.json")));
    EXPECT_FALSE(std::filesystem::exists(folder_.path("state/default.c.json")));
    EXPECT_EQ(co_await loaded(shard), expected);
  });
}

TEST_F(WorkloadStoreTest, SetsADamagedFileOfAnEarlierVersionAside) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("b", 2)});
    std::string content = encodeWorkloadFile(stored("a", 1));
    folder_.write("state/default.c.json", content);  // another workload's name
    content[content.size() / 2] ^= 1;
    folder_.write("state/default.a.json", content);
    EXPECT_EQ(co_await loaded(shard), (std::vector<std::string>{"default/b#2"}));
    EXPECT_EQ(folder_.read("state/default.a.json.corrupt"), content);
    EXPECT_FALSE(std::filesystem::exists(folder_.path("state/default.a.json")));
    EXPECT_TRUE(std::filesystem::exists(folder_.path("state/default.c.json.corrupt")));
  });
}

// An earlier version took it: it has not gone, and what is wrong can be told.
TEST_F(WorkloadStoreTest, AManifestThatIsRefusedTodayIsAWorkloadWithAProblem) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("b", 2)});
    const auto write = [&](std::string_view key, std::string_view value) {
      const auto journal = Journal::open(folder(), {}, *log_);
      EXPECT_TRUE((*journal)->commit(std::vector{encodePut(key, value)}));
    };
    write("default/old", R"({"generation":7,"manifest":{"name":"old","gone":1}})");
    write("other/none", R"({"generation":8})");
    write("other/%2E%2E", R"({"generation":9,"manifest":{"gone":1}})");
    const auto store = open(shard);
    const auto all = co_await (*store)->load();
    EXPECT_EQ(all.size(), 2U) << "the others are no workloads";
    EXPECT_EQ(all.at(0).problem, "");
    EXPECT_EQ(all.at(1).spec->id(), "default/old");
    EXPECT_EQ(all.at(1).generation, 7U);
    EXPECT_THAT(all.at(1).problem, HasSubstr("unknown key \"gone\""));
  });
}

TEST_F(WorkloadStoreTest, NoOneElseCanLookInside) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1)});
    struct stat status{};
    ::stat(folder().c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0700U);
    ::stat(folder_.path(kFirstSegment).c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    ::chmod(folder().c_str(), 0750);
    const auto store = open(shard);
    EXPECT_FALSE(store);
    if (!store) EXPECT_EQ(store.error().code(), ErrorCode::kPermissionDenied);
  });
}

TEST_F(WorkloadStoreTest, OneHostAtATimeUsesAFolder) {
  run([this](net::Shard& shard) -> Task<void> {
    const auto first = open(shard);
    EXPECT_TRUE(first);
    const auto second = open(shard);
    EXPECT_FALSE(second);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kAlreadyExists);
    co_return;
  });
}

TEST_F(WorkloadStoreTest, GenerationsGrowAcrossRestarts) {
  run([this](net::Shard& shard) -> Task<void> {
    for (std::uint64_t expected = 1; expected < 10; expected += 3) {
      const auto store = open(shard);
      for (std::uint64_t i = 0; i < 3; ++i)
        EXPECT_EQ((*store)->nextGeneration().value(), expected + i);
    }
    co_return;
  });
}

TEST_F(WorkloadStoreTest, GenerationsGrowAcrossACrash) {
  run([this](net::Shard& shard) -> Task<void> {
    std::string in_the_middle;
    std::uint64_t newest = 0;
    {
      const auto store = open(shard);
      for (int i = 0; i < 3000; ++i) newest = (*store)->nextGeneration().value();
      in_the_middle = folder_.read("state/generation");
    }
    folder_.write("state/generation", in_the_middle);
    const auto store = open(shard);
    EXPECT_GT((*store)->nextGeneration().value(), newest);
    co_return;
  });
}

TEST_F(WorkloadStoreTest, ALostCounterGoesOnAboveWhatIsStored) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 5000)});
    folder_.write("state/generation", "rubbish");
    const auto store = open(shard);
    EXPECT_GT((*store)->nextGeneration().value(), 5000U);
    EXPECT_EQ(folder_.read("state/generation.corrupt"), "rubbish");
  });
}

TEST_F(WorkloadStoreTest, AFullDiskKeepsNothingFromBeingServedAndTakesChangesOnceItCan) {
  run([this](net::Shard& shard) -> Task<void> {
    co_await save(shard, {stored("a", 1)});
    std::unique_ptr<WorkloadStore> store;
    withFilesUpTo(0, [&] {
      auto opened = open(shard);
      EXPECT_TRUE(opened) << opened.error().describe();
      if (!opened) return;
      store = *std::move(opened);
      EXPECT_FALSE(store->nextGeneration());
    });
    if (store == nullptr) co_return;
    EXPECT_EQ((co_await store->load()).size(), 1U);
    EXPECT_GT(store->nextGeneration().value_or(0), 0U);
  });
}

TEST_F(WorkloadStoreTest, AFullDiskWithNothingOnItIsToldAtOnce) {
  run([this](net::Shard& shard) -> Task<void> {
    withFilesUpTo(0, [&] { EXPECT_FALSE(open(shard)); });
    co_return;
  });
}

TEST_F(WorkloadStoreTest, TellsWhenTheDiskRefuses) {
  run([this](net::Shard& shard) -> Task<void> {
    const auto store = open(shard);
    std::filesystem::remove_all(folder());
    const auto saved = co_await (*store)->save(stored("a", 1));
    EXPECT_FALSE(saved);
    if (!saved) EXPECT_EQ(saved.error().code(), ErrorCode::kIo);
  });
}

TEST(WorkloadStoreFormat, NamesCannotLeaveTheFolder) {
  EXPECT_EQ(workloadFileName("default", "hello-1"), "default.hello-1.json");
  EXPECT_EQ(workloadFileName("../x", "a.b/c"), "%2E%2E%2Fx.a%2Eb%2Fc.json");
  EXPECT_NE(workloadFileName("a", "b.c"), workloadFileName("a.b", "c"));
}

TEST(WorkloadStoreFormat, KeysAreIds) {
  EXPECT_EQ(workloadKey("default/hello-1"), "default/hello-1");
  EXPECT_EQ(workloadKey("a.b/c\"\n"), "a%2Eb/c%22%0A");
  EXPECT_NE(workloadKey("a/b.c"), workloadKey("a.b/c"));
}

TEST(WorkloadStoreFormat, EveryFlippedByteIsNoticed) {
  const std::string good = encodeWorkloadFile(stored("a", 7));
  ASSERT_TRUE(decodeWorkloadFile(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x20;
    EXPECT_FALSE(decodeWorkloadFile(bad)) << i;
    EXPECT_FALSE(decodeWorkloadFile(good.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace nimbus::host
