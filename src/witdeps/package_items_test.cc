#include "witdeps/package_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::witdeps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TextPackage packageAt(const std::string& path, const std::string& text) {
  return {.about = {.package = {"acme:log", "0.2.0"}, .needs = {}}, .files = {{path, text}}};
}

TEST(PackageItemsTest, AreWhatIsDeclaredWithoutCommentsGatesAndLayout) {
  EXPECT_EQ(itemsOf("package acme:log@0.2.0;\n/// Writes.\n@since(version = 0.2.0)\n"
                    "interface sink { /* a /* nested */ note */\n  write: func(line: string); }"),
            itemsOf("package acme:log@0.2.0; interface sink{write:func( line:string );}// end"));
  EXPECT_THAT(itemsOf("interface a { enum e { x } }\nworld b { import a; }"),
              ElementsAre(Pair("interface a", "interface a { enum e { x } }"),
                          Pair("world b", "world b { import a ; }")));
}

TEST(PackageItemsTest, NamesWithHyphensAreOneWord) {
  EXPECT_NE(itemsOf("interface a { b-c: func(); }"), itemsOf("interface a { b - c: func(); }"));
}

TEST(PackageItemsTest, WhatIsNoWitIsReadToItsEnd) {
  for (const char* text :
       {"", "/*", "/* /*", "@", "@x(", "{{{{", "}", "}}", ";;", "\xff\xfe", "//"})
    (void)itemsOf(text);
  EXPECT_THAT(itemsOf("// nothing"), IsEmpty());
}

TEST(PackageItemsTest, OnlyWhatBothHaveCanDiffer) {
  const PackageItems whole = itemsOf("interface a { f: func(); } interface b { g: func(); }");
  EXPECT_THAT(differingItems(whole, itemsOf("interface a { f: func(); }")), IsEmpty());
  EXPECT_THAT(differingItems(whole, itemsOf("interface b { g: func(x: u8); }")),
              ElementsAre("interface b"));
}

TEST(PackageItemsTest, AConflictNamesBothPlaces) {
  const std::string text = "package acme:log@0.2.0; interface sink { write: func(); }";
  std::vector<TextPackage> packages = {packageAt("deps/a/log.wit", text),
                                       packageAt("deps/b/log.wit", "// A copy.\n" + text)};
  EXPECT_FALSE(conflictIn(packages, {"acme:log", "0.2.0"}));
  packages.push_back(packageAt("deps/c/log.wit", "package acme:log@0.2.0; interface sink {}"));
  const auto conflict = conflictIn(packages, {"acme:log", "0.2.0"});
  ASSERT_TRUE(conflict);
  EXPECT_THAT(conflict->message(),
              HasSubstr("acme:log@0.2.0 is in deps/a/log.wit and, with other contents, in "
                        "deps/c/log.wit"));
  EXPECT_FALSE(conflictIn(packages, {"acme:log", "0.3.0"}));
}

}  // namespace
}  // namespace nimbus::witdeps
