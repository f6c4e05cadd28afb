#include "witdeps/world_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::witdeps {
namespace {

using testing::HasSubstr;

std::string added(std::string_view text, std::string_view import, std::string_view world = "") {
  const auto result = addImport(text, world, *ImportRef::parse(import));
  return result ? *result : "error: " + result.error().message();
}

std::string removed(std::string_view text, std::string_view import) {
  return removeImports(text, *ImportRef::parse(import));
}

TEST(ImportRefTest, IsReadInItsParts) {
  const auto import = ImportRef::parse("wasi:http/types@0.2.3");
  ASSERT_TRUE(import);
  EXPECT_EQ(import->package.text(), "wasi:http@0.2.3");
  EXPECT_EQ(import->interface, "types");
  EXPECT_EQ(import->text(), "wasi:http/types@0.2.3");
  EXPECT_EQ(ImportRef::parse("wasi:http")->text(), "wasi:http");
  for (const char* text : {"", "http", "wasi:http/", "wasi:http/a b", "wasi:http/a/b", "../x:y/z"})
    EXPECT_FALSE(ImportRef::parse(text)) << text;
}

TEST(AddImportTest, FollowsTheLastImport) {
  EXPECT_EQ(added("package a:b;\nworld w {\n    import c:d/e;\n    export x: func();\n}\n",
                  "wasi:http/types@0.2.3"),
            "package a:b;\nworld w {\n    import c:d/e;\n    import wasi:http/types@0.2.3;\n"
            "    export x: func();\n}\n");
}

TEST(AddImportTest, BeginsAWorldWithoutImports) {
  EXPECT_EQ(added("world w {\n  export x: func();\n}\n", "a:b/c"),
            "world w {\n  import a:b/c;\n  export x: func();\n}\n");
  EXPECT_EQ(added("world w {}", "a:b/c"), "world w {\n  import a:b/c;}");
}

TEST(AddImportTest, StaysOnTheLineOfAShortWorld) {
  EXPECT_EQ(added("world w { import a:b/c; export run; }", "a:b/d"),
            "world w { import a:b/c; import a:b/d; export run; }");
}

TEST(AddImportTest, AddsNothingTwice) {
  const std::string text = "world w {\n  import a:b/c@1.0.0;\n}\n";
  EXPECT_EQ(added(text, "a:b/c@1.0.0"), text);
  EXPECT_THAT(added(text, "a:b/c@1.1.0"), HasSubstr("import a:b/c@1.1.0;"));
}

TEST(AddImportTest, IsNotMisledByWhatLooksLikeAWorld) {
  const std::string_view text =
      "// world x { }\n/* world y { /* } */ } */\ninterface i { world: func(); }\n"
      "package n:p { world inner { import q:r/s; } }\nworld w {\n  import i: interface { f: "
      "func(); }\n  use a:b/c.{t};\n}\n";
  EXPECT_THAT(added(text, "d:e/f"),
              HasSubstr("import i: interface { f: func(); }\n  import d:e/f;\n  use a:b/c.{t};"));
}

TEST(AddImportTest, WantsOneWorld) {
  EXPECT_EQ(added("interface i {}", "a:b/c"), "error: there is no world");
  EXPECT_EQ(added("world v {}\nworld w {}", "a:b/c"), "error: there are several worlds: v, w");
  EXPECT_EQ(added("world v {}", "a:b/c", "w"), "error: there is no world w");
  EXPECT_EQ(added("world v {}\nworld w {}", "a:b/c", "w"),
            "world v {}\nworld w {\n  import a:b/c;}");
}

TEST(RemoveImportsTest, TakesLinesWithTheirComments) {
  EXPECT_EQ(removed("world w {\n  /// About it.\n  @since(version = 1.0.0)\n"
                    "  import a:b/c@1.0.0;\n  import d:e/f;\n}\n",
                    "a:b"),
            "world w {\n  import d:e/f;\n}\n");
}

TEST(RemoveImportsTest, TakesOnlyWhatIsMeant) {
  const std::string text =
      "world w {\n  import a:b/c@1.0.0;\n  import a:b/d@1.0.0;\n  import a:b/c@2.0.0;\n"
      "  export a:b/c@1.0.0;\n  import a: func();\n}\n";
  EXPECT_EQ(removed(text, "a:b/c@1.0.0"),
            "world w {\n  import a:b/d@1.0.0;\n  import a:b/c@2.0.0;\n  export a:b/c@1.0.0;\n"
            "  import a: func();\n}\n");
  EXPECT_EQ(removed(text, "a:b"), "world w {\n  export a:b/c@1.0.0;\n  import a: func();\n}\n");
  EXPECT_EQ(removed(text, "x:y"), text);
}

TEST(RemoveImportsTest, TakesPartOfALine) {
  EXPECT_EQ(removed("world w { import a:b/c; export run; }", "a:b"), "world w {  export run; }");
}

TEST(RemoveImportsTest, LeavesWhatIsNoWit) {
  for (const char* text :
       {"world w {", "world w { import a:b/c", "}}}{", "/* ", "world w { @", "@("})
    EXPECT_EQ(removed(text, "x:y"), text);
}

}  // namespace
}  // namespace nimbus::witdeps
