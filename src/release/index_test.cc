#include "release/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace nimbus::release {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPlatform = "x86_64-linux";

std::string archiveText(std::string_view file = "1.0.0/a.tar.gz", std::string_view size = "10",
                        std::string_view digest = std::string(64, 'a')) {
  return fmt::format(
      R"({{"platform": "x86_64-linux", "file": "{}", "size": {}, "sha256": "{}", "new": 1}})", file,
      size, digest);
}

std::string indexText(std::initializer_list<std::string_view> versions,
                      const std::string& archive = archiveText()) {
  std::string releases;
  for (const std::string_view version : versions) {
    releases += fmt::format(R"({}{{"version": "{}", "commit": "c", "archives": [{}]}})",
                            releases.empty() ? "" : ",", version, archive);
  }
  return fmt::format(R"({{"format": 1, "releases": [{}]}})", releases);
}

std::string messageOf(const std::string& text) {
  const auto parsed = parseIndex(text);
  return parsed ? "no error" : parsed.error().message();
}

std::string newest(std::initializer_list<std::string_view> versions, std::string_view current,
                   Reach reach = Reach::kAny, std::string_view platform = kPlatform) {
  const auto releases = parseIndex(indexText(versions));
  const auto found = newestRelease(releases.value(), *Version::parse(current), reach, platform);
  return found ? found->version.text() : "none";
}

TEST(ReleaseIndexTest, SaysWhereAnArchiveIs) {
  const auto releases = parseIndex(indexText({"1.0.0"}));
  ASSERT_TRUE(releases) << releases.error().describe();
  const ReleaseArchive& archive = releases->at(0).archives.at(0);
  EXPECT_EQ(archive.platform, "x86_64-linux");
  EXPECT_EQ(archive.file, "1.0.0/a.tar.gz");
  EXPECT_EQ(archive.size, 10);
  EXPECT_EQ(archive.digest.hex(), std::string(64, 'a'));
}

TEST(ReleaseIndexTest, RefusesWhatIsNotOfItsForm) {
  EXPECT_THAT(messageOf("<html>"), HasSubstr("not a JSON object"));
  EXPECT_THAT(messageOf("{}"), HasSubstr("no format"));
  EXPECT_THAT(messageOf(R"({"format": 2})"), HasSubstr("format 2"));
  EXPECT_THAT(messageOf(R"({"format": 1})"), HasSubstr("no releases"));
  EXPECT_THAT(messageOf(indexText({"newest"})), HasSubstr("no version"));
  EXPECT_THAT(messageOf(std::string(kMaxIndexBytes + 1, ' ')), HasSubstr("larger"));
  EXPECT_THAT(messageOf(indexText({"1.0.0"}, archiveText("a", "0"))), HasSubstr("no size"));
  EXPECT_THAT(messageOf(indexText({"1.0.0"}, archiveText("a", "1e20"))), HasSubstr("no size"));
  EXPECT_THAT(messageOf(indexText({"1.0.0"}, archiveText("a", "1", "abc"))), HasSubstr("sha256"));
}

TEST(ReleaseIndexTest, RefusesFilesElsewhere) {
  for (const char* file :
       {"", "/etc/passwd", "../a", "a/../b", "a//b", "http://x/a", "a?b", "a b", "a/.b", "a%2e"})
    EXPECT_THAT(messageOf(indexText({"1.0.0"}, archiveText(file))), HasSubstr("no file")) << file;
}

TEST(ReleaseIndexTest, FindsTheNewestWithinReach) {
  const std::initializer_list<std::string_view> versions = {"1.0.0", "2.1.0", "1.1.5", "1.0.7",
                                                            "1.0.6"};
  EXPECT_EQ(newest(versions, "1.0.0"), "2.1.0");
  EXPECT_EQ(newest(versions, "1.0.0", Reach::kMinor), "1.1.5");
  EXPECT_EQ(newest(versions, "1.0.0", Reach::kPatch), "1.0.7");
  EXPECT_EQ(newest(versions, "3.0.0", Reach::kPatch), "none");
  EXPECT_EQ(newest(versions, "1.0.0", Reach::kAny, "riscv64-linux"), "none");
}

TEST(ReleaseIndexTest, OffersPreReleasesToThoseWhoHaveOne) {
  const std::initializer_list<std::string_view> versions = {"1.0.0", "1.1.0-rc.2"};
  EXPECT_EQ(newest(versions, "0.9.0"), "1.0.0");
  EXPECT_EQ(newest(versions, "1.1.0-rc.1"), "1.1.0-rc.2");
}

}  // namespace
}  // namespace nimbus::release
