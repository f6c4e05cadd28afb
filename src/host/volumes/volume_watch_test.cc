#include "host/volumes/volume_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "base/unique_fd.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;

class VolumeWatchTest : public ShardTest {
 protected:
  static WorkloadSpec specOf(const std::string& name, std::optional<std::uint64_t> limit_bytes) {
    WorkloadSpec spec = makeSpec(name);
    spec.volumes = {{.name = "scratch", .host_path = "", .size_limit_bytes = limit_bytes}};
    return spec;
  }
  std::unique_ptr<VolumeUse> open(const WorkloadSpec& spec) {
    auto use = WorkloadVolumes::open(spec, root_).value();
    use->limit(3 * kMiB);
    return use;
  }
  static std::string write(const VolumeUse& use, std::string_view name, std::size_t bytes) {
    const std::string path = use.all()->limits()->front().path + "/" + std::string(name);
    std::ofstream(path) << std::string(bytes, 'x');
    return path;
  }
  static std::vector<std::string> excesses(const std::unique_ptr<VolumeUse>& use) {
    std::vector<std::string> all;
    for (const VolumeExcess& excess : measureVolumes({use->all()->limits()}).excesses)
      all.push_back(excess.why);
    return all;
  }

  TemporaryFolder folder_;
  std::shared_ptr<VolumeRoot> root_ = std::make_shared<VolumeRoot>(folder_.path());
};

TEST_F(VolumeWatchTest, AVolumeMayHoldWhatItsManifestSaysOrElseTheHost) {
  const auto named = open(specOf("a", kMiB));
  const auto other = open(specOf("b", std::nullopt));
  write(*named, "file", kMiB / 2);
  write(*other, "file", 2 * kMiB);
  EXPECT_THAT(excesses(named), IsEmpty());
  EXPECT_THAT(excesses(other), IsEmpty());
  write(*named, "more", kMiB / 2);
  write(*other, "more", kMiB);
  EXPECT_THAT(excesses(named),
              ElementsAre("the volume \"scratch\" held more than its sizeLimit of 1Mi"));
  EXPECT_THAT(excesses(other), ElementsAre(HasSubstr("of 3Mi")));
}

TEST_F(VolumeWatchTest, AFileThatWasDeletedCountsUntilItIsClosed) {
  const auto volumes = open(specOf("a", kMiB));
  const std::string path = write(*volumes, "file", 2 * kMiB);
  {
    const UniqueFd file(::open(path.c_str(), O_RDONLY));
    fs::remove(path);
    EXPECT_THAT(excesses(volumes), ElementsAre(HasSubstr("held more than")));
  }
  EXPECT_THAT(excesses(volumes), IsEmpty());
}

TEST_F(VolumeWatchTest, FoldersThatAreTooDeepToLookIntoAreAnExcess) {
  const auto volumes = open(specOf("a", kMiB));
  std::string path = volumes->all()->limits()->front().path;
  for (int i = 0; i < 130; ++i) path += "/d";
  fs::create_directories(path);
  EXPECT_THAT(excesses(volumes), ElementsAre(HasSubstr("more than 128 deep")));
}

TEST_F(VolumeWatchTest, EachRoundTellsOfThoseThatHoldTooMuch) {
  run([this](net::Shard& shard) -> Task<void> {
    const auto quiet = open(specOf("a", kMiB));
    const auto loud = open(specOf("b", kMiB));
    write(*loud, "file", 2 * kMiB);
    const auto log = makeNullLogger();
    std::vector<const WorkloadVolumes*> told;
    Event twice;
    VolumeWatch watch(
        shard, *log,
        [&](const std::shared_ptr<WorkloadVolumes>& volumes, const std::string& name,
            const std::string& why) {
          EXPECT_EQ(name, "scratch");
          EXPECT_THAT(why, HasSubstr("held more than"));
          told.push_back(volumes.get());
          // Not now: what waits for it ends the watch.
          if (told.size() == 2) shard.post([&twice] { twice.set(); });
        },
        std::chrono::milliseconds(1));
    watch.add(quiet->all());
    watch.add(loud->all());
    watch.add(loud->all());
    co_await twice.wait();
    EXPECT_THAT(told, ElementsAre(loud->all().get(), loud->all().get()));
    watch.stop();
  });
}

TEST_F(VolumeWatchTest, ItRestsWhenAllAreGoneAndGoesOnWithTheNext) {
  run([this](net::Shard& shard) -> Task<void> {
    const auto log = makeNullLogger();
    Event told;
    bool posted = false;
    VolumeWatch watch(
        shard, *log,
        [&](const auto&, const auto&, const auto&) {
          if (!std::exchange(posted, true)) shard.post([&told] { told.set(); });
        },
        std::chrono::milliseconds(1));
    watch.add(open(specOf("a", kMiB))->all());  // gone at once
    co_await shard.sleepFor(std::chrono::milliseconds(10));
    const auto next = open(specOf("b", kMiB));
    write(*next, "file", 2 * kMiB);
    watch.add(next->all());
    co_await told.wait();
    watch.stop();
  });
}

}  // namespace
}  // namespace nimbus::host
