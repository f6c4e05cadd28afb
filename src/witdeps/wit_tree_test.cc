#include "witdeps/wit_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "project/test_support.h"
#include "release/test_archive.h"

namespace nimbus::witdeps {
namespace {

using project::TestFolder;
using release::TestArchive;
using testing::AllOf;
using testing::HasSubstr;

wit::PackageRef ref(std::string_view text) { return *wit::PackageRef::parse(text); }

std::string pathOf(const WitTree& tree, std::string_view package) {
  const TextPackage* found = tree.find(ref(package));
  return found ? found->files.front().path : "none";
}

// What is said of an archive with that entry.
std::string refusal(const TestArchive::Entry& entry) {
  TestArchive archive;
  archive.add(entry);
  const auto tree = WitTree::unpack(asBytes(archive.bytes()));
  return tree ? "taken" : tree.error().message();
}

TEST(WitTreeTest, FindsPackagesByWhatTheySayOfThemselves) {
  TestFolder folder;
  folder.write("log/a.wit", "package acme:log@1.0.0;\ninterface a {}\n");
  folder.write("log/b.wit", "interface b { use acme:io/streams.{line}; f: func(l: line); }\n");
  folder.write("log/deps/io/io.wit", "package acme:io;\ninterface streams { type line = string; }");
  folder.write("old/log.wit", "package acme:log@0.9.0;\n");
  folder.write("node_modules/x/x.wit", "package acme:x;\n");
  folder.write(".git/y.wit", "package acme:y;\n");
  const auto tree = WitTree::read(folder.path(), WitTree::Links::kRefuse);
  ASSERT_TRUE(tree) << tree.error().describe();
  ASSERT_NE(tree->find(ref("acme:log@1.0.0")), nullptr);
  EXPECT_EQ(tree->find(ref("acme:log@1.0.0"))->files.size(), 2);
  EXPECT_EQ(tree->find(ref("acme:log@1.0.0"))->about.needs.front().text(), "acme:io");
  EXPECT_EQ(pathOf(*tree, "acme:log@0.9.0"), "old/log.wit");
  EXPECT_EQ(pathOf(*tree, "acme:io"), "log/deps/io/io.wit");
  EXPECT_EQ(pathOf(*tree, "acme:log"), "none");
  EXPECT_EQ(tree->describe(), "it has acme:log@1.0.0, acme:log@0.9.0, acme:io");
}

TEST(WitTreeTest, TellsPackagesOfOneFolderApart) {
  TestFolder folder;
  folder.write("http.wit", "package wasi:http@0.2.0;\n");
  folder.write("io.wit", "package wasi:io@0.2.0;\n");
  const auto tree = WitTree::read(folder.path(), WitTree::Links::kRefuse);
  ASSERT_TRUE(tree) << tree.error().describe();
  EXPECT_EQ(pathOf(*tree, "wasi:io@0.2.0"), "io.wit");
}

TEST(WitTreeTest, PrefersAPackageToACopyInDeps) {
  TestFolder folder;
  folder.write("a/deps/log/log.wit", "package acme:log;\n");
  folder.write("b/log.wit", "package acme:log;\n");
  const auto tree = WitTree::read(folder.path(), WitTree::Links::kRefuse);
  ASSERT_TRUE(tree);
  EXPECT_EQ(pathOf(*tree, "acme:log"), "b/log.wit");
}

TEST(WitTreeTest, ReadsOneFile) {
  TestFolder folder;
  const std::string file = folder.write("log.wit", "package acme:log;\n");
  const auto tree = WitTree::read(file, WitTree::Links::kRefuse);
  ASSERT_TRUE(tree) << tree.error().describe();
  EXPECT_EQ(pathOf(*tree, "acme:log"), "log.wit");
}

TEST(WitTreeTest, SaysWhatCannotBeRead) {
  TestFolder folder;
  EXPECT_EQ(WitTree::read(folder.path(), WitTree::Links::kRefuse)->describe(),
            "it has no .wit file");
  folder.write("log.wit", "package acme:log;\nworld {");
  EXPECT_THAT(WitTree::read(folder.path(), WitTree::Links::kRefuse)->describe(),
              HasSubstr("nothing that can be read: log.wit: log.wit:2:7"));
  EXPECT_EQ(WitTree::read(folder.path("none"), WitTree::Links::kRefuse).error().code(),
            ErrorCode::kNotFound);
}

TEST(WitTreeTest, RefusesLinksOfOthers) {
  TestFolder folder;
  const std::string secret = folder.write("secret", "package acme:log;\n");
  folder.write("repo/a.txt", "");
  std::filesystem::create_symlink(secret, folder.path("repo/log.wit"));
  EXPECT_THAT(WitTree::read(folder.path("repo"), WitTree::Links::kRefuse).error().message(),
              HasSubstr("log.wit is a link"));
  EXPECT_TRUE(WitTree::read(folder.path("repo"), WitTree::Links::kFollow));
}

TEST(WitTreeTest, UnpacksArchives) {
  TestArchive archive;
  archive.add({.name = "log-1.0/", .type = '5'});
  archive.add({.name = "./log-1.0/wit/log.wit", .content = "package acme:log@1.0.0;\n"});
  archive.add({.name = "log-1.0/README.md", .content = "words"});
  archive.add({.name = "log-1.0/link", .type = '2', .link = "README.md"});
  const auto tree = WitTree::unpack(asBytes(archive.bytes()));
  ASSERT_TRUE(tree) << tree.error().describe();
  EXPECT_EQ(pathOf(*tree, "acme:log@1.0.0"), "log-1.0/wit/log.wit");
}

TEST(WitTreeTest, RefusesArchivesThatLeadElsewhere) {
  for (const char* name : {"/etc/x.wit", "../x.wit", "a/../../x.wit", "a//x.wit", "a/./x.wit",
                           "a/\x01.wit", "..", "a\\b.wit"})
    EXPECT_THAT(refusal({.name = name}), HasSubstr("the name")) << name;
  for (const char type : {'1', '2', '3', '4', '6'})
    EXPECT_THAT(refusal({.name = "a/x.wit", .type = type, .link = "/etc/passwd"}),
                AllOf(HasSubstr("x.wit"), HasSubstr("link or a device")))
        << type;
}

TEST(WitTreeTest, RefusesWhatIsNoArchiveOrBrokenOff) {
  EXPECT_FALSE(WitTree::unpack(asBytes("<html>")));
  TestArchive archive;
  archive.add({.name = "a/x.wit", .content = std::string(5000, ' ')});
  const std::string whole = archive.bytes();
  EXPECT_FALSE(WitTree::unpack(asBytes(std::string_view(whole).substr(0, 3000))));
}

TEST(WitTreeTest, BoundsWhatItKeeps) {
  WitTree tree;
  EXPECT_EQ(tree.add("a.wit", std::string(WitTree::kMaxBytes + 1, ' ')).error().code(),
            ErrorCode::kResourceExhausted);
  WitTree many;
  Result<void> added;
  for (int i = 0; added && i < 5000; ++i) added = many.add(std::to_string(i) + ".wit", "");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace nimbus::witdeps
