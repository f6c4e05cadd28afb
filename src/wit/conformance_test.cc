#include "wit/conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Document parse(std::string text) {
  const std::vector<WitFile> files = {{"test.wit", std::move(text)}};
  const Result<std::string> json = parseWit(files);
  EXPECT_TRUE(json) << json.error().message();
  Result<Document> document = readDocument(json.value_or(""));
  EXPECT_TRUE(document) << document.error().message();
  return document.value_or(Document());
}

// What is wrong with a component of world `w` in one text for world `w` of another. Both are the
// inside of a package.
std::vector<std::string> problems(const std::string& have, const std::string& want,
                                  const std::string& version = "1.0.0") {
  const Document component = parse("package a:b@1.0.0;\n" + have);
  const Document document = parse("package a:b@" + version + ";\n" + want);
  const auto world = findWorld(document, "w");
  EXPECT_TRUE(world) << world.error().message();
  return conformanceProblems(component, document, *world, "w");
}

// The same for a function that the world exports.
std::vector<std::string> exportedAs(const std::string& have, const std::string& want) {
  return problems("world w { export f: " + have + "; }", "world w { export f: " + want + "; }");
}

// And for one whose parameter is a type `t`.
std::vector<std::string> typedAs(const std::string& have, const std::string& want) {
  const std::string rest = " f: func(t: t); } world w { export i; }";
  return problems("interface i { " + have + rest, "interface i { " + want + rest);
}

TEST(Conformance, AllowsMoreExportsAndFewerImports) {
  EXPECT_THAT(
      problems("interface i { f: func(); g: func(); } world w { export i; export h: func(); }",
               "interface i { f: func(); } interface j {} world w { import j; export i; }"),
      IsEmpty());
  EXPECT_THAT(problems("interface i { f: func(); } world w { import i; }",
                       "interface i { f: func(); g: func(); } world w { import i; }"),
              IsEmpty());
}

TEST(Conformance, NamesWhatIsNotExported) {
  EXPECT_THAT(
      problems("world w {}", "interface i { f: func(); } world w { export i; export g: func(); }"),
      UnorderedElementsAre("does not export a:b/i@1.0.0, which w asks for",
                           "does not export g, which w asks for"));
  EXPECT_THAT(problems("interface i { f: func(); } world w { export i; }",
                       "interface i { f: func(); g: func(); } world w { export i; }"),
              ElementsAre("does not export `g` of a:b/i@1.0.0, which w asks for"));
}

TEST(Conformance, NamesWhatTheWorldDoesNotImport) {
  EXPECT_THAT(
      problems("interface i { f: func(); } world w { import i; import g: func(); }", "world w {}"),
      UnorderedElementsAre("imports a:b/i@1.0.0, which w does not", "imports g, which w does not"));
  EXPECT_THAT(problems("interface i { f: func(); g: func(); } world w { import i; }",
                       "interface i { f: func(); } world w { import i; }"),
              ElementsAre("imports `g` of a:b/i@1.0.0, which is not there in w"));
}

TEST(Conformance, AcceptsCompatibleVersionsOnly) {
  const std::string text = "interface i { resource r; f: func(r: r); } world w { export i; }";
  EXPECT_THAT(problems(text, text, "1.4.2"), IsEmpty());
  EXPECT_THAT(problems(text, text, "2.0.0"),
              ElementsAre("does not export a:b/i@2.0.0, which w asks for"));
}

TEST(Conformance, OfSeveralVersionsComparesWithTheSame) {
  const std::string packages =
      "package p:q@1.0.0 { interface i { f: func(); } }"
      "package p:q@1.1.0 { interface i { f: func(); g: func(); } }";
  EXPECT_THAT(problems(packages + "world w { import p:q/i@1.1.0; }",
                       packages + "world w { import p:q/i@1.0.0; import p:q/i@1.1.0; }"),
              IsEmpty());
}

TEST(Conformance, DoesNotMindWhatStandardLibrariesImport) {
  const Document component = parse(R"(package wasi:cli@0.2.3;
    interface environment { f: func(); } world w { import environment; })");
  const Document document = parse("package a:b; world w {}");
  EXPECT_THAT(conformanceProblems(component, document, *findWorld(document, ""), "w"), IsEmpty());
}

TEST(Conformance, ComparesFunctions) {
  EXPECT_THAT(exportedAs("func(a: u32) -> string", "func(a: u32) -> string"), IsEmpty());
  EXPECT_THAT(exportedAs("func(a: u32)", "func(a: u64)"),
              ElementsAre("exports f with another type than w has: parameter `a` is u32 instead of "
                          "u64"));
  EXPECT_THAT(exportedAs("func(b: u32)", "func(a: u32)"),
              ElementsAre(HasSubstr("has parameter `b` instead of `a`")));
  EXPECT_THAT(exportedAs("func()", "func(a: u32)"),
              ElementsAre(HasSubstr("has 0 parameters instead of 1")));
  EXPECT_THAT(exportedAs("func() -> u8", "func()"),
              ElementsAre(HasSubstr("result is u8 instead of nothing")));
  EXPECT_THAT(exportedAs("async func()", "func()"),
              ElementsAre(HasSubstr("is async instead of not async")));
  EXPECT_THAT(exportedAs("func() -> list<u8>", "func() -> option<u8>"),
              ElementsAre(HasSubstr("result is a list instead of an option")));
  EXPECT_THAT(
      problems("world w { export f: func(); }", "world w { export f: interface { g: func(); } }"),
      ElementsAre("exports f as a function, and not as w has it"));
}

TEST(Conformance, ComparesTypesByWhatTheyConsistOf) {
  EXPECT_THAT(
      typedAs("type u = u8; record t { x: u, y: list<u> }", "record t { x: u8, y: list<u8> }"),
      IsEmpty());
  EXPECT_THAT(typedAs("record t { x: u8 }", "record t { x: u16 }"),
              ElementsAre(HasSubstr("parameter `t`: record t: field `x` is u8 instead of u16")));
  EXPECT_THAT(typedAs("record t { x: u8 }", "record t { y: u8 }"),
              ElementsAre(HasSubstr("has field `x` instead of `y`")));
  EXPECT_THAT(typedAs("record t { x: u8 }", "record t { x: u8, y: u8 }"),
              ElementsAre(HasSubstr("has 1 fields instead of 2")));
  EXPECT_THAT(typedAs("record t { x: u8 }", "enum t { x }"),
              ElementsAre(HasSubstr("is record t instead of enum t")));
  EXPECT_THAT(typedAs("variant t { a(u8), b }", "variant t { a, b }"),
              ElementsAre(HasSubstr("variant t: case `a` is u8 instead of nothing")));
  EXPECT_THAT(typedAs("variant t { a, b }", "variant t { a, c }"),
              ElementsAre(HasSubstr("has case `b` instead of `c`")));
  EXPECT_THAT(typedAs("variant t { a, b }", "variant t { a }"),
              ElementsAre(HasSubstr("has 2 cases instead of 1")));
  EXPECT_THAT(typedAs("enum t { a }", "enum t { b }"),
              ElementsAre(HasSubstr("has case `a` instead of `b`")));
  EXPECT_THAT(typedAs("flags t { a, b }", "flags t { a }"),
              ElementsAre(HasSubstr("has 2 flags instead of 1")));
  EXPECT_THAT(typedAs("type t = tuple<u8, u8>;", "type t = tuple<u8, bool>;"),
              ElementsAre(HasSubstr("member 1 is u8 instead of bool")));
  EXPECT_THAT(typedAs("type t = tuple<u8, u8>;", "type t = tuple<u8>;"),
              ElementsAre(HasSubstr("has 2 members instead of 1")));
  EXPECT_THAT(typedAs("type t = result<u8>;", "type t = result<u8, u8>;"),
              ElementsAre(HasSubstr("err is nothing instead of u8")));
  EXPECT_THAT(typedAs("type t = option<list<u8>>;", "type t = option<list<char>>;"),
              ElementsAre(HasSubstr("value: element is u8 instead of char")));
  EXPECT_THAT(typedAs("type t = stream<u8>;", "type t = stream<char>;"),
              ElementsAre(HasSubstr("element is u8 instead of char")));
  EXPECT_THAT(typedAs("type t = future<u8>;", "type t = future;"),
              ElementsAre(HasSubstr("value is u8 instead of nothing")));
}

TEST(Conformance, ComparesResourcesByName) {
  EXPECT_THAT(typedAs("resource r; type t = r;", "resource r; type t = r;"), IsEmpty());
  EXPECT_THAT(typedAs("resource r; type t = r;", "resource s; type t = s;"),
              ElementsAre(HasSubstr("is resource r of a:b/i@1.0.0 instead of resource s of")));
  EXPECT_THAT(typedAs("resource r; type t = r;", "resource r; type t = borrow<r>;"),
              ElementsAre(HasSubstr("is owned instead of borrowed")));
}

TEST(Conformance, ComparesAWideTypeInShortTime) {
  std::string types = "type t0 = u8;\n";
  for (int i = 1; i <= 100; ++i)
    types += "type t" + std::to_string(i) + " = tuple<t" + std::to_string(i - 1) + ", t" +
             std::to_string(i - 1) + ">;\n";
  types += "type t = t100;";
  EXPECT_THAT(typedAs(types, types), IsEmpty());
}

TEST(Conformance, TellsABoundedNumberOfProblems) {
  std::string text = "world w {";
  for (int i = 0; i < 100; ++i) text += " export fun" + std::to_string(i) + ": func();";
  EXPECT_EQ(problems("world w {}", text + " }").size(), 20U);
}

TEST(FindWorld, FindsByNameOrTheOnlyOne) {
  const Document one = parse("package a:b@1.0.0; world w {}");
  EXPECT_EQ(findWorld(one, "")->value, findWorld(one, "w")->value);
  EXPECT_EQ(findWorld(one, "a:b/w")->value, findWorld(one, "a:b/w@1.0.0")->value);
  EXPECT_THAT(findWorld(one, "x").error().message(), HasSubstr("has no world x; there is w"));
  EXPECT_EQ(findWorld(one, "a:b/x").error().message(), "there is no world a:b/x");
  const Document two = parse("package a:b; world w {} world v {}");
  EXPECT_EQ(findWorld(two, "").error().message(), "package a:b has several worlds: w, v");
  EXPECT_EQ(findWorld(parse("package a:b;"), "").error().message(), "package a:b has no world");
}

}  // namespace
}  // namespace nimbus::wit
