#include "host/volumes/volumes.h"

#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "host/test_support.h"

namespace nimbus::host {
namespace {

namespace fs = std::filesystem;

class VolumesTest : public ::testing::Test {
 protected:
  static WorkloadSpec specWith(std::vector<VolumeSpec> volumes) {
    WorkloadSpec spec = makeSpec("shop");
    spec.volumes = std::move(volumes);
    return spec;
  }
  static VolumeSpec limited(std::string name, std::optional<std::uint64_t> bytes) {
    return {.name = std::move(name), .host_path = "", .size_limit_bytes = bytes};
  }
  static WorkloadSpec withVolumes(const std::vector<std::string>& names) {
    std::vector<VolumeSpec> volumes;
    for (const std::string& name : names) volumes.push_back(limited(name, {}));
    return specWith(std::move(volumes));
  }
  using Limits = std::map<std::string, std::uint64_t>;
  static Limits limitsOf(const VolumeUse& use) {
    Limits limits;
    for (const VolumeLimit& limit : *use.all()->limits()) limits[limit.name] = limit.bytes;
    return limits;
  }
  // Returns when all that was to be removed is.
  void awaitRemoval() { volumes_root_ = std::make_shared<VolumeRoot>(root_.path()); }

  TemporaryFolder root_;
  std::shared_ptr<VolumeRoot> volumes_root_ = std::make_shared<VolumeRoot>(root_.path());
};

TEST_F(VolumesTest, AnEphemeralVolumeIsMadeForItsWorkloadAloneAndGoesWithIt) {
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  const std::string path = volumes->all()->pathOf(spec.volumes[0]);
  const fs::path folder = fs::path(path).parent_path();
  EXPECT_EQ(fs::path(path).filename(), "scratch");
  EXPECT_TRUE(folder.string().starts_with(root_.path("default.shop.")));
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
  std::ofstream(path + "/file") << "text";
  volumes.reset();
  awaitRemoval();
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::exists(root_.path()));
}

TEST_F(VolumesTest, AWorkloadThatComesBackDoesNotMeetWhatIsBeingDeleted) {
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  auto first = WorkloadVolumes::open(spec, volumes_root_).value();
  first.reset();
  const auto second = WorkloadVolumes::open(spec, volumes_root_).value();
  awaitRemoval();
  EXPECT_TRUE(fs::is_directory(second->all()->pathOf(spec.volumes[0])));
}

TEST_F(VolumesTest, WorkloadsWithTheSameVolumeNameDoNotMeet) {
  const WorkloadSpec shop = specWith({{.name = "scratch", .host_path = ""}});
  WorkloadSpec other = shop;
  other.namespace_name = "test";
  const auto first = WorkloadVolumes::open(shop, volumes_root_).value();
  const auto second = WorkloadVolumes::open(other, volumes_root_).value();
  EXPECT_NE(first->all()->pathOf(shop.volumes[0]), second->all()->pathOf(other.volumes[0]));
}

TEST_F(VolumesTest, ANewerGenerationKeepsWhatIsThereAndGetsWhatItAdds) {
  const WorkloadSpec old = specWith({{.name = "a", .host_path = ""}});
  const auto volumes = WorkloadVolumes::open(old, volumes_root_).value();
  std::ofstream(volumes->all()->pathOf(old.volumes[0]) + "/file") << "text";
  const WorkloadSpec next =
      specWith({{.name = "a", .host_path = ""}, {.name = "b", .host_path = ""}});
  const auto newer = volumes->all()->use(next).value();
  EXPECT_TRUE(fs::exists(volumes->all()->pathOf(next.volumes[0]) + "/file"));
  EXPECT_TRUE(fs::is_directory(volumes->all()->pathOf(next.volumes[1])));
}

TEST_F(VolumesTest, AFolderOfTheHostIsUsedAsItIsAndStays) {
  fs::create_directory(root_.path("data"));
  const WorkloadSpec spec = specWith({{.name = "data", .host_path = root_.path("data")}});
  auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  EXPECT_EQ(volumes->all()->pathOf(spec.volumes[0]), root_.path("data"));
  volumes.reset();
  EXPECT_TRUE(fs::exists(root_.path("data")));
}

TEST_F(VolumesTest, AFolderOfTheHostMustExist) {
  root_.write("file", "");
  for (const std::string& path : {root_.path("none"), root_.path("file")}) {
    const auto volumes =
        WorkloadVolumes::open(specWith({{.name = "data", .host_path = path}}), volumes_root_);
    ASSERT_FALSE(volumes);
    EXPECT_EQ(volumes.error().code(), ErrorCode::kNotFound);
    EXPECT_NE(volumes.error().message().find(path), std::string::npos);
  }
}

TEST_F(VolumesTest, WithoutAFolderThereIsOneThatNobodyForeseesAndItGoesAtTheEnd) {
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  std::shared_ptr<VolumeRoot> first = std::make_shared<VolumeRoot>("");
  const VolumeRoot second("");
  auto volumes = WorkloadVolumes::open(spec, first).value();
  const fs::path folder = first->folder().value();
  EXPECT_EQ(fs::path(volumes->all()->pathOf(spec.volumes[0])).parent_path().parent_path(), folder);
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
  first.reset();
  EXPECT_TRUE(fs::exists(folder));  // a workload still uses it
  volumes.reset();
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(VolumesTest, WhenThatFolderIsTakenAwayThereIsAnother) {
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  const auto root = std::make_shared<VolumeRoot>("");
  const std::string taken = root->folder().value();
  fs::remove_all(taken);
  const auto volumes = WorkloadVolumes::open(spec, root).value();
  EXPECT_NE(root->folder().value(), taken);
  EXPECT_TRUE(fs::is_directory(volumes->all()->pathOf(spec.volumes[0])));
}

TEST_F(VolumesTest, AFolderToWhichOthersWriteIsRefused) {
  fs::permissions(root_.path(), fs::perms::owner_all | fs::perms::others_write);
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_);
  ASSERT_FALSE(volumes);
  EXPECT_EQ(volumes.error().code(), ErrorCode::kPermissionDenied);
  fs::permissions(root_.path(), fs::perms::owner_all | fs::perms::others_read);
  EXPECT_TRUE(WorkloadVolumes::open(spec, volumes_root_));
}

TEST_F(VolumesTest, ALinkInTheWayIsNotFollowed) {
  fs::create_directory(root_.path("elsewhere"));
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  auto before = WorkloadVolumes::open(spec, volumes_root_).value();
  const fs::path path = fs::path(before->all()->pathOf(spec.volumes[0])).parent_path();
  const int number = std::stoi(path.extension().string().substr(1));
  fs::create_symlink(root_.path("elsewhere"),
                     root_.path("default.shop." + std::to_string(number + 1)));
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  EXPECT_TRUE(fs::is_directory(volumes->all()->pathOf(spec.volumes[0])));
  EXPECT_TRUE(fs::is_empty(root_.path("elsewhere")));
}

TEST_F(VolumesTest, AClearedVolumeIsThereAndEmptyAndOthersStay) {
  const WorkloadSpec spec = withVolumes({"a", "b"});
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  const std::string path = volumes->all()->pathOf(spec.volumes[0]);
  const std::string other = volumes->all()->pathOf(spec.volumes[1]);
  std::ofstream(other + "/file") << "text";
  for (int times = 0; times < 2; ++times) {
    std::ofstream(path + "/file") << "text";
    EXPECT_TRUE(volumes->all()->clear("a"));
    EXPECT_TRUE(fs::is_empty(path));
    EXPECT_TRUE(fs::exists(other + "/file"));
  }
  const auto entries = [&] {
    return std::distance(fs::directory_iterator(fs::path(path).parent_path()),
                         fs::directory_iterator());
  };
  while (entries() > 2) std::this_thread::yield();
}

TEST_F(VolumesTest, AVolumeGoesWithTheLastDeploymentThatNamesIt) {
  const WorkloadSpec old = withVolumes({"a", "b"});
  const WorkloadSpec newer = withVolumes({"b"});
  auto first = WorkloadVolumes::open(old, volumes_root_).value();
  auto again = first->all()->use(old).value();
  const auto second = first->all()->use(newer).value();
  const std::string dropped = second->all()->pathOf(old.volumes[0]);
  const std::string kept = second->all()->pathOf(old.volumes[1]);
  std::ofstream(kept + "/file") << "text";
  first.reset();
  EXPECT_TRUE(fs::is_directory(dropped));
  again.reset();
  EXPECT_FALSE(fs::exists(dropped));
  EXPECT_TRUE(fs::exists(kept + "/file"));
  EXPECT_TRUE(second->all()->clear("a"));
  EXPECT_FALSE(fs::exists(dropped)) << "nobody names it";
}

TEST_F(VolumesTest, AVolumeThatComesBackIsEmpty) {
  const WorkloadSpec old = withVolumes({"a"});
  auto first = WorkloadVolumes::open(old, volumes_root_).value();
  const std::string path = first->all()->pathOf(old.volumes[0]);
  std::ofstream(path + "/file") << "text";
  const auto second = first->all()->use(withVolumes({"b"})).value();
  first.reset();
  const auto third = second->all()->use(old).value();
  EXPECT_TRUE(fs::is_empty(third->all()->pathOf(old.volumes[0])));
}

TEST_F(VolumesTest, ALimitStaysAsLongAsADeploymentNamesItsVolume) {
  const WorkloadSpec old = specWith({limited("a", 10), limited("b", 20)});
  auto first = WorkloadVolumes::open(old, volumes_root_).value();
  first->limit(99);
  EXPECT_EQ(limitsOf(*first), (Limits{{"a", 10}, {"b", 20}}));
  const auto second = first->all()->use(specWith({limited("b", 5), limited("c", {})})).value();
  EXPECT_EQ(limitsOf(*second), (Limits{{"a", 10}, {"b", 20}})) << "it has not taken effect";
  second->limit(99);
  EXPECT_EQ(limitsOf(*second), (Limits{{"a", 10}, {"b", 5}, {"c", 99}}));
  first.reset();
  EXPECT_EQ(limitsOf(*second), (Limits{{"b", 5}, {"c", 99}}));
}

TEST_F(VolumesTest, ADeploymentThatCannotBeMadeLeavesTheOthersVolumes) {
  const WorkloadSpec spec = withVolumes({"a"});
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  const fs::path path = volumes->all()->pathOf(spec.volumes[0]);
  const auto failed = volumes->all()->use(
      specWith({limited("a", {}), limited("b", {}), {.name = "x", .host_path = "/nowhere/x"}}));
  EXPECT_FALSE(failed);
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_FALSE(fs::exists(path.parent_path() / "b"));
}

TEST_F(VolumesTest, WhatAKilledProcessLeftIsDeletedWithTheFirstVolume) {
  for (const char* name : {"default.shop.4711/a", "team-a.x.0.deleted-3", "notes", "a.b.c"})
    fs::create_directories(root_.path(name));
  root_.write("default.shop.4711/a/file", "text");
  const auto volumes =
      WorkloadVolumes::open(specWith({{.name = "a", .host_path = ""}}), volumes_root_).value();
  const std::string folder =
      fs::path(volumes->all()->pathOf({.name = "a", .host_path = ""})).parent_path();
  volumes_root_.reset();  // the volumes keep it
  std::set<std::string> left;
  while (left.size() != 4) {
    left.clear();
    for (const auto& entry : fs::directory_iterator(root_.path())) left.insert(entry.path());
  }
  EXPECT_EQ(left, (std::set<std::string>{root_.path("notes"), root_.path("a.b.c"),
                                         root_.path("lock"), folder}));
}

TEST_F(VolumesTest, AFolderIsOneHostsAlone) {
  const WorkloadSpec spec = specWith({{.name = "a", .host_path = ""}});
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  const auto other = std::make_shared<VolumeRoot>(root_.path());
  const auto refused = WorkloadVolumes::open(spec, other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(refused.error().message(),
            "the volumes folder " + root_.path() + " is in use by another host");
  EXPECT_TRUE(fs::is_directory(volumes->all()->pathOf(spec.volumes[0])));
}

TEST_F(VolumesTest, WhatAKilledProcessLeftIsNotTheWorkloads) {
  const WorkloadSpec spec = specWith({{.name = "a", .host_path = ""}});
  const auto before = WorkloadVolumes::open(spec, volumes_root_).value();
  const fs::path path = fs::path(before->all()->pathOf(spec.volumes[0])).parent_path();
  const int number = std::stoi(path.extension().string().substr(1));
  const std::string left = root_.path("default.shop." + std::to_string(number + 1));
  fs::create_directories(left + "/a");
  std::ofstream(left + "/a/file") << "text";
  const auto volumes = WorkloadVolumes::open(spec, volumes_root_).value();
  EXPECT_EQ(volumes->all()->pathOf(spec.volumes[0]), left + "/a");
  EXPECT_TRUE(fs::is_empty(left + "/a"));
}

TEST_F(VolumesTest, AFailedOpenLeavesNothingBehind) {
  const WorkloadSpec spec =
      specWith({{.name = "scratch", .host_path = ""}, {.name = "x", .host_path = "/nowhere/x"}});
  EXPECT_FALSE(WorkloadVolumes::open(spec, volumes_root_));
  EXPECT_FALSE(fs::exists(root_.path("default.shop")));
}

}  // namespace
}  // namespace nimbus::host
