#include "host/admin/token_file.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace nimbus::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(TokenFileTest, HoldsOneLongWord) {
  const TemporaryFolder folder;
  folder.write("good", "0123456789abcdef\n");
  folder.write("short", "0123\n");
  folder.write("spaces", "0123456789 abcdef\n");
  EXPECT_EQ(readTokenFile(folder.path("good")).value(), "0123456789abcdef");
  EXPECT_FALSE(readTokenFile(folder.path("short")));
  EXPECT_FALSE(readTokenFile(folder.path("spaces")));
  EXPECT_FALSE(readTokenFile(folder.path("none")));
}

TEST(TokenFileTest, IsReadAgainWheneverItIsAnotherOne) {
  const TemporaryFolder folder;
  std::string said;
  const SystemClock clock;
  const auto log = makeLogger([&](std::string_view line) { said += line; }, LogLevel::kWarn,
                              LogFormat::kText, clock);
  const auto put = [&](std::string_view text) {
    folder.write("fresh", text);
    std::filesystem::rename(folder.path("fresh"), folder.path("token"));
  };
  put("0123456789abcdef\n");
  const auto file = TokenFile::open(folder.path("token"), *log);
  ASSERT_TRUE(file) << file.error().describe();
  EXPECT_EQ((*file)->current(), "0123456789abcdef");
  put("fedcba9876543210\n");
  EXPECT_EQ((*file)->current(), "fedcba9876543210");
  EXPECT_THAT(said, IsEmpty());
  // One that cannot be used counts for nothing, and is told of once.
  put("short\n");
  EXPECT_EQ((*file)->current(), "fedcba9876543210");
  EXPECT_THAT(said, HasSubstr("shorter than 16 characters"));
  said.clear();
  EXPECT_EQ((*file)->current(), "fedcba9876543210");
  EXPECT_THAT(said, IsEmpty());
  std::filesystem::remove(folder.path("token"));
  EXPECT_EQ((*file)->current(), "fedcba9876543210");
  EXPECT_THAT(said, HasSubstr("the one before counts on"));
  put("0123456789abcdef\n");
  EXPECT_EQ((*file)->current(), "0123456789abcdef");
}

}  // namespace
}  // namespace nimbus::host
