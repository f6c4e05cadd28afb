#include "project/built_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "project/test_support.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

const std::string kModule("\0asm\x01\0\0\0", 8);
const std::string kComponent("\0asm\x0d\0\x01\0", 8);

class BuiltFiles : public testing::Test {
 protected:
  // A component that was written so many seconds before the others.
  void component(const std::string& name, int seconds_ago = 0) {
    const std::string file = files_.write(name, kComponent);
    fs::last_write_time(file, now_ - std::chrono::seconds(seconds_ago));
  }
  [[nodiscard]] std::vector<std::string> found(BuildProfile wanted = BuildProfile::kRelease) const {
    std::vector<std::string> names;
    for (const fs::path& file : findBuiltFiles(files_.path(), wanted))
      names.push_back(file.lexically_relative(files_.path()).string());
    return names;
  }
  [[nodiscard]] bool isUsual(const std::string& name) const {
    return isInUsualPlace(files_.path(), files_.path(name));
  }

  TestFolder files_;
  const fs::file_time_type now_ = fs::file_time_type::clock::now() - std::chrono::hours(1);
};

TEST_F(BuiltFiles, AreFoundPlaceByPlace) {
  component("b.wasm");
  component("a.wasm");
  files_.write("a.txt", kComponent);
  component("out/o.wasm");
  component("build/b.wasm");
  component("build/cmake/deep.wasm");
  component("dist/d.wasm");
  component("target/wasm32-wasip2/release/t.wasm");
  component("target/release/native.wasm");
  EXPECT_THAT(found(), ElementsAre("target/wasm32-wasip2/release/t.wasm", "build/b.wasm",
                                   "dist/d.wasm", "out/o.wasm", "a.wasm", "b.wasm"));
}

TEST_F(BuiltFiles, OfCargoAreComponentsOfTheProfileThatWasBuiltLast) {
  component("target/wasm32-wasip2/release/a.wasm", 20);
  component("target/wasm32-wasip2/release/b.wasm", 10);
  component("target/wasm32-wasip2/debug/a.wasm", 15);
  files_.write("target/wasm32-wasip2/debug/core.wasm", kModule);
  files_.write("target/wasm32-wasip2/small/core.wasm", kModule);
  EXPECT_THAT(found(), ElementsAre("target/wasm32-wasip2/release/a.wasm",
                                   "target/wasm32-wasip2/release/b.wasm"));
  component("target/wasm32-wasip2/small/a.wasm", 5);
  EXPECT_THAT(found(), ElementsAre("target/wasm32-wasip2/small/a.wasm"));
}

TEST_F(BuiltFiles, ThatAreEquallyOldAreOfTheProfileThatIsWanted) {
  component("target/wasm32-wasip2/debug/a.wasm");
  component("target/wasm32-wasip2/release/a.wasm");
  EXPECT_THAT(found(BuildProfile::kDebug), ElementsAre("target/wasm32-wasip2/debug/a.wasm"));
  EXPECT_THAT(found(BuildProfile::kRelease), ElementsAre("target/wasm32-wasip2/release/a.wasm"));
}

TEST_F(BuiltFiles, AreOfTheProfileThatIsMarkedLast) {
  component("target/wasm32-wasip2/debug/a.wasm", 10);
  component("target/wasm32-wasip2/release/a.wasm");
  const fs::path release = files_.path("target/wasm32-wasip2/release/a.wasm");
  markAsBuiltLast(release);
  EXPECT_EQ(fs::last_write_time(release), now_) << "it is the last";
  markAsBuiltLast(files_.path("target/wasm32-wasip2/debug/a.wasm"));
  EXPECT_THAT(found(), ElementsAre("target/wasm32-wasip2/debug/a.wasm"));
}

TEST_F(BuiltFiles, ElsewhereAreNotMarked) {
  component("build/a.wasm", 10);
  component("dist/a.wasm");
  markAsBuiltLast(files_.path("build/a.wasm"));
  EXPECT_EQ(fs::last_write_time(files_.path("build/a.wasm")), now_ - std::chrono::seconds(10));
}

TEST_F(BuiltFiles, AreInUsualPlacesWhereverTheyAreFound) {
  const std::vector<std::string> usual = {"a.wasm", "build/a.wasm", "dist/a.wasm", "out/a.wasm",
                                          "target/wasm32-wasip2/small/a.wasm"};
  for (const std::string& name : usual) {
    component(name);
    EXPECT_TRUE(isUsual(name)) << name;
    EXPECT_THAT(found(), ElementsAre(name));
    fs::remove(files_.path(name));
  }
  for (const char* name : {"build/cmake/a.wasm", "target/a.wasm", "target/release/a.wasm",
                           "out/wasm32-wasip2/debug/a.wasm", "bin/a.wasm"}) {
    component(name);
    EXPECT_FALSE(isUsual(name)) << name;
  }
  EXPECT_THAT(found(), testing::IsEmpty());
}

TEST_F(BuiltFiles, AreInUsualPlacesByWhateverNameOfTheFolder) {
  component("real/target/wasm32-wasip2/debug/a.wasm");
  fs::create_directory_symlink(files_.path("real"), files_.path("link"));
  EXPECT_TRUE(
      isInUsualPlace(files_.path("link"), files_.path("real/target/wasm32-wasip2/debug/a.wasm")));
}

}  // namespace
}  // namespace nimbus::project
