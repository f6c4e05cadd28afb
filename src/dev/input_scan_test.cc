#include "dev/input_scan.h"

#include <gtest/gtest.h>

#include "dev/test_support.h"

namespace nimbus::dev {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class InputScanTest : public ::testing::Test {
 protected:
  Inputs scan(const InputScanLimits& limits = {}) {
    InputScan anew(project_.path(), clock_, limits);
    auto inputs = anew.run(IgnoreRules(project_.path()));
    EXPECT_TRUE(inputs) << inputs.error().describe();
    return inputs ? *std::move(inputs) : Inputs();
  }
  Paths paths() {
    Paths all;
    for (const auto& [path, digest] : scan()) all.push_back(path);
    return all;
  }
  SystemClock clock_;
  ProjectFolder project_;
};

TEST_F(InputScanTest, AllFilesThatAreNotIgnoredAreInputs) {
  project_.write("Cargo.toml", "x");
  project_.write("src/lib.rs", "x");
  project_.write("target/debug/app.wasm", "x");
  project_.write(".git/HEAD", "x");
  EXPECT_EQ(paths(), (Paths{"Cargo.toml", "src/lib.rs"}));
}

TEST_F(InputScanTest, WhatIsInAFileCountsAndNothingElse) {
  project_.write("a", "one");
  const Inputs before = scan();
  project_.write("a", "one");
  EXPECT_EQ(scan(), before);
  project_.write("a", "two");
  EXPECT_EQ(changedPaths(before, scan()), Paths{"a"});
}

TEST_F(InputScanTest, TwoChangesInAMomentAreBothSeen) {
  InputScan scan(project_.path(), clock_);
  const IgnoreRules rules(project_.path());
  project_.write("a", "one");
  const Inputs first = *scan.run(rules);
  for (const char* text : {"two", "six", "ten"}) {
    project_.write("a", text);  // the same size, and perhaps the same stamp
    EXPECT_NE(*scan.run(rules), first) << text;
  }
}

TEST_F(InputScanTest, AnUnchangedFileIsNotReadAgain) {
  project_.write("a", "one");
  FakeClock later;
  later.advance(std::chrono::hours(24 * 365 * 100));
  InputScan scan(project_.path(), later);
  const IgnoreRules rules(project_.path());
  const Inputs before = *scan.run(rules);
  fs::permissions(project_.path("a"), fs::perms::none);  // another stamp, so it is looked at
  const bool superuser = scan.run(rules)->contains("a");
  fs::permissions(project_.path("a"), fs::perms::owner_all);
  EXPECT_EQ(*scan.run(rules), before);
  EXPECT_TRUE(superuser || !before.empty());
}

TEST_F(InputScanTest, SymbolicLinksCountByWhereTheyLead) {
  ProjectFolder outside;
  outside.write("secret", "one");
  fs::create_symlink(outside.path("secret"), project_.path("link"));
  const Inputs before = scan();
  outside.write("secret", "two");
  EXPECT_EQ(scan(), before);
  fs::remove(project_.path("link"));
  fs::create_symlink(outside.path("other"), project_.path("link"));
  EXPECT_EQ(changedPaths(before, scan()), Paths{"link"});
}

TEST_F(InputScanTest, ALargeFileCountsBySizeAndTimes) {
  project_.write("big", std::string(100, 'x'));
  const InputScanLimits limits{.max_file_bytes = 10};
  const Inputs before = scan(limits);
  EXPECT_EQ(scan(limits), before);
  project_.write("big", std::string(101, 'x'));
  EXPECT_EQ(changedPaths(before, scan(limits)), Paths{"big"});
}

TEST_F(InputScanTest, TooManyFilesAreAnError) {
  for (int i = 0; i < 4; ++i) project_.write(std::to_string(i), "");
  InputScan scan(project_.path(), clock_, {.max_files = 3});
  const auto inputs = scan.run(IgnoreRules(project_.path()));
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(InputScanTest, AMissingFolderIsAnError) {
  InputScan scan(project_.path("missing"), clock_);
  EXPECT_FALSE(scan.run(IgnoreRules(project_.path("missing"))));
}

TEST(ChangedPathsTest, AreThoseThatCameWentOrDiffer) {
  const auto digest = [](std::string_view text) {
    return engine::sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  const Inputs before{{"a", digest("1")}, {"b", digest("1")}, {"c", digest("1")}};
  const Inputs after{{"b", digest("1")}, {"c", digest("2")}, {"d", digest("1")}};
  EXPECT_EQ(changedPaths(before, after), (Paths{"a", "c", "d"}));
  EXPECT_TRUE(changedPaths(before, before).empty());
  EXPECT_EQ(changedPaths({}, before), (Paths{"a", "b", "c"}));
  EXPECT_EQ(changedPaths(before, {}), (Paths{"a", "b", "c"}));
}

}  // namespace
}  // namespace nimbus::dev
