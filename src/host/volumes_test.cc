#include "host/volumes.h"

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
  // Returns when all that was to be removed is.
  void awaitRemoval() { remover_ = std::make_shared<net::BlockingWorker>(); }

  TemporaryFolder root_;
  std::shared_ptr<net::BlockingWorker> remover_ = std::make_shared<net::BlockingWorker>();
};

TEST_F(VolumesTest, AnEphemeralVolumeIsMadeForItsWorkloadAloneAndGoesWithIt) {
  const WorkloadSpec spec = specWith({{.name = "scratch", .host_path = ""}});
  auto volumes = WorkloadVolumes::open(spec, root_.path(), remover_).value();
  const std::string path = volumes->pathOf(spec.volumes[0]);
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
  auto first = WorkloadVolumes::open(spec, root_.path(), remover_).value();
  first.reset();
  const auto second = WorkloadVolumes::open(spec, root_.path(), remover_).value();
  awaitRemoval();
  EXPECT_TRUE(fs::is_directory(second->pathOf(spec.volumes[0])));
}

TEST_F(VolumesTest, WorkloadsWithTheSameVolumeNameDoNotMeet) {
  const WorkloadSpec shop = specWith({{.name = "scratch", .host_path = ""}});
  WorkloadSpec other = shop;
  other.namespace_name = "test";
  const auto first = WorkloadVolumes::open(shop, root_.path(), remover_).value();
  const auto second = WorkloadVolumes::open(other, root_.path(), remover_).value();
  EXPECT_NE(first->pathOf(shop.volumes[0]), second->pathOf(other.volumes[0]));
}

TEST_F(VolumesTest, ANewerGenerationKeepsWhatIsThereAndGetsWhatItAdds) {
  const WorkloadSpec old = specWith({{.name = "a", .host_path = ""}});
  const auto volumes = WorkloadVolumes::open(old, root_.path(), remover_).value();
  std::ofstream(volumes->pathOf(old.volumes[0]) + "/file") << "text";
  const WorkloadSpec next =
      specWith({{.name = "a", .host_path = ""}, {.name = "b", .host_path = ""}});
  EXPECT_TRUE(volumes->add(next));
  EXPECT_TRUE(fs::exists(volumes->pathOf(next.volumes[0]) + "/file"));
  EXPECT_TRUE(fs::is_directory(volumes->pathOf(next.volumes[1])));
}

TEST_F(VolumesTest, AFolderOfTheHostIsUsedAsItIsAndStays) {
  fs::create_directory(root_.path("data"));
  const WorkloadSpec spec = specWith({{.name = "data", .host_path = root_.path("data")}});
  auto volumes = WorkloadVolumes::open(spec, root_.path("volumes"), remover_).value();
  EXPECT_EQ(volumes->pathOf(spec.volumes[0]), root_.path("data"));
  volumes.reset();
  EXPECT_TRUE(fs::exists(root_.path("data")));
}

TEST_F(VolumesTest, AFolderOfTheHostMustExist) {
  root_.write("file", "");
  for (const std::string& path : {root_.path("none"), root_.path("file")}) {
    const auto volumes = WorkloadVolumes::open(specWith({{.name = "data", .host_path = path}}),
                                               root_.path(), remover_);
    ASSERT_FALSE(volumes);
    EXPECT_EQ(volumes.error().code(), ErrorCode::kNotFound);
    EXPECT_NE(volumes.error().message().find(path), std::string::npos);
  }
}

TEST_F(VolumesTest, AFailedOpenLeavesNothingBehind) {
  const WorkloadSpec spec =
      specWith({{.name = "scratch", .host_path = ""}, {.name = "x", .host_path = "/nowhere/x"}});
  EXPECT_FALSE(WorkloadVolumes::open(spec, root_.path(), remover_));
  EXPECT_FALSE(fs::exists(root_.path("default.shop")));
}

}  // namespace
}  // namespace nimbus::host
