#include "wash/output/output_file.h"

#include <sys/stat.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OutputFileTest : public testing::Test {
 protected:
  std::string refusal(const std::string& path) {
    const auto file = outputFile(path);
    return file ? "" : file.error().message();
  }
  TemporaryFolder folder_;
};

TEST_F(OutputFileTest, IsWhatIsNamedOrWhereLinksLead) {
  const std::string plain = folder_.path("a.wasm");
  EXPECT_EQ(*outputFile(plain), plain);
  folder_.write("a.wasm", "x");
  EXPECT_EQ(*outputFile(plain), plain);
  EXPECT_EQ(*outputFile("a.wasm"), "a.wasm");
  fs::create_symlink("b.wasm", folder_.path("link"));
  fs::create_symlink("link", folder_.path("link2"));
  EXPECT_EQ(*outputFile(folder_.path("link2")), folder_.path("b.wasm"));
}

TEST_F(OutputFileTest, NothingElseIsReplaced) {
  EXPECT_THAT(refusal(""), HasSubstr("has no name"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("is a folder"));
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("/dev/null is not a regular file"));
  ASSERT_EQ(::mkfifo(folder_.path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder_.path("pipe")), HasSubstr("is not a regular file"));
  fs::create_symlink("loop", folder_.path("loop"));
  EXPECT_THAT(refusal(folder_.path("loop")), HasSubstr("lead nowhere"));
  EXPECT_THAT(refusal(folder_.path("none/a.wasm")), HasSubstr("there is no folder"));
}

}  // namespace
}  // namespace nimbus::wash
