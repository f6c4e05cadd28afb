#include "wit/tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wit/component_info.h"

namespace nimbus::wit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kGreeter = R"((component
  (import "demo:log/sink@1.2.3" (instance
    (export "write" (func (param "line" string)))))
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "left" u32) (param "right" u32) (result u32)
    (canon lift (core func $i "add")))
  (instance $e (export "add" (func $add)))
  (export "demo:sum/adder@0.1.0" (instance $e))))";

Bytes binary(std::string_view wat) {
  Result<Bytes> bytes = watToWasm(wat, "test.wat");
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes.value_or(Bytes());
}

template <typename T>
std::string failureOf(const Result<T>& result, ErrorCode code = ErrorCode::kInvalidArgument) {
  if (result) return "it succeeded";
  EXPECT_EQ(result.error().code(), code);
  return result.error().message();
}

TEST(WitText, ShowsTheWorldAndThePackagesItUses) {
  const Result<std::string> text = witText(binary(kGreeter).view());
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_THAT(*text, AllOf(StartsWith("package root:component;\n"),
                           HasSubstr("world root {\n  import demo:log/sink@1.2.3;\n"),
                           HasSubstr("  export demo:sum/adder@0.1.0;\n"),
                           HasSubstr("package demo:log@1.2.3 {\n  interface sink {\n"),
                           HasSubstr("write: func(line: string);"),
                           HasSubstr("add: func(left: u32, right: u32) -> u32;")));
}

TEST(WitText, NeedsAComponent) {
  EXPECT_THAT(failureOf(witText(binary("(module)").view())), HasSubstr("core module"));
  EXPECT_EQ(failureOf(witText(asBytes("hello"))), "not a WebAssembly binary");
  EXPECT_EQ(failureOf(witText({})), "not a WebAssembly binary");
}

TEST(WitText, NamesTheOffsetWhereABinaryBreaks) {
  const Bytes whole = binary(kGreeter);
  const ByteView cut = whole.view().first(whole.size() / 2);
  EXPECT_THAT(failureOf(witText(cut)), HasSubstr("offset"));
}

TEST(WorldJson, IsTheResolvedWorld) {
  const Result<std::string> json = worldJson(binary(kGreeter).view());
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_THAT(*json, AllOf(StartsWith(R"({"main":{"package":2,"world":0},"worlds":[)"),
                           HasSubstr(R"("name":"demo:log@1.2.3")"), HasSubstr(R"("name":"adder")"),
                           HasSubstr(R"("params":[{"name":"left","type":"u32"})")));
}

TEST(WorldJson, NeedsAComponent) {
  EXPECT_THAT(failureOf(worldJson(binary("(module)").view())), HasSubstr("core module"));
}

TEST(ParseWit, ResolvesTheMainPackageAndItsDependencies) {
  const std::vector<WitFile> files = {
      {"wit/world.wit", "package demo:app;\nworld app { import demo:log/sink@1.2.3; }\n"},
      {"wit/deps/log/sink.wit",
       "package demo:log@1.2.3;\ninterface sink { use level.{level};\n"
       "  write: func(at: level, line: string); }\n"},
      {"wit/deps/log/level.wit", "interface level { enum level { low, high } }\n"},
      {"wit/deps/unused.wit", "package demo:unused;\n"},
  };
  const Result<std::string> json = parseWit(files);
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_THAT(*json, AllOf(HasSubstr(R"("name":"demo:app")"), HasSubstr(R"("name":"sink")"),
                           HasSubstr(R"({"name":"low"})"), HasSubstr(R"("world":0)")));
}

TEST(ParseWit, SaysWhereTheTextIsWrong) {
  const std::vector<WitFile> syntax = {{"a.wit", "package a:b;\ninterface i {\n  f: fun();\n}\n"}};
  EXPECT_THAT(failureOf(parseWit(syntax)), StartsWith("a.wit:3:6: "));
  const std::vector<WitFile> unknown = {
      {"a.wit", "package a:b;\ninterface i {\n  f: func(x: y);\n}"}};
  EXPECT_THAT(failureOf(parseWit(unknown)),
              AllOf(StartsWith("a.wit:3:14: "), HasSubstr("`y` does not exist")));
  const std::vector<WitFile> missing = {{"a.wit", "package a:b;\nworld w {\n  import c:d/e;\n}"}};
  EXPECT_THAT(failureOf(parseWit(missing)),
              AllOf(StartsWith("a.wit:3:"), HasSubstr("'c:d' not found")));
}

TEST(ParseWit, RefusesFilesThatAreNoPackage) {
  EXPECT_EQ(failureOf(parseWit({})), "there are no WIT files");
  const std::vector<WitFile> only_deps = {{"wit/deps/a.wit", "package a:b;"}};
  EXPECT_EQ(failureOf(parseWit(only_deps)), "all WIT files are dependencies");
  const std::vector<WitFile> not_text = {{"a.wit", "\xff"}};
  EXPECT_THAT(failureOf(parseWit(not_text)), HasSubstr("a.wit is not UTF-8"));
}

TEST(Validate, AcceptsModulesAndComponents) {
  EXPECT_TRUE(validate(binary("(module)").view()));
  EXPECT_TRUE(validate(binary(kGreeter).view()));
}

TEST(Validate, SaysWhatIsWrongAndWhere) {
  const Bytes ill_typed = binary("(module (func (result i32) i64.const 1))");
  EXPECT_THAT(failureOf(validate(ill_typed.view())),
              AllOf(HasSubstr("type mismatch"), HasSubstr("(at offset 0x")));
}

TEST(Validate, AcceptsUnfinishedProposalsOnRequestOnly) {
  const Bytes wide = binary(
      "(module (func (param i64 i64) (result i64 i64)"
      " local.get 0 local.get 1 i64.mul_wide_u))");
  EXPECT_THAT(failureOf(validate(wide.view())), HasSubstr("wide arithmetic"));
  EXPECT_TRUE(validate(wide.view(), Proposals::kAll));
}

TEST(WatToWasm, ReadsModulesAndComponents) {
  EXPECT_EQ(binary("(module)").text(), std::string_view("\0asm\x01\0\0\0", 8));
  EXPECT_EQ(binary("(component)").text(), std::string_view("\0asm\x0d\0\x01\0", 8));
}

TEST(WatToWasm, SaysWhereTheTextIsWrong) {
  EXPECT_THAT(failureOf(watToWasm("(module\n  (fun))", "x.wat")), HasSubstr("x.wat:2:4"));
  EXPECT_THAT(failureOf(watToWasm("")), HasSubstr("expected"));
  EXPECT_THAT(failureOf(watToWasm("\xff")), HasSubstr("not UTF-8"));
  const std::string deep(1'000'000, '(');
  EXPECT_THAT(failureOf(watToWasm(deep)), testing::Not(HasSubstr("succeeded")));
}

constexpr std::string_view kCommand = R"((module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 0)))))";

TEST(WrapPreview1, MakesACommandOfAModuleWithStart) {
  const Result<Bytes> component = wrapPreview1(binary(kCommand).view());
  ASSERT_TRUE(component) << component.error().message();
  EXPECT_TRUE(validate(component->view()));
  EXPECT_THAT(witText(component->view()).value_or(""), HasSubstr("export wasi:cli/run@0.2."));
}

TEST(WrapPreview1, KeepsTheExitStatusAmongOtherImports) {
  const Bytes module = binary(R"((module
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 7)))))");
  const Result<Bytes> component = wrapPreview1(module.view());
  ASSERT_TRUE(component) << component.error().message();
  EXPECT_TRUE(validate(component->view()));
  EXPECT_THAT(witText(component->view()).value_or(""),
              AllOf(HasSubstr("exit-with-code: func(status-code: u8)"),
                    HasSubstr("import wasi:random/random@0.2.")));
}

TEST(WrapPreview1, MakesAReactorOfOtherModules) {
  const Bytes module = binary(R"((module
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_initialize"))))");
  const Result<Bytes> component = wrapPreview1(module.view());
  ASSERT_TRUE(component) << component.error().message();
  EXPECT_THAT(
      witText(component->view()).value_or("export"),
      AllOf(HasSubstr("import wasi:random/random@0.2."), testing::Not(HasSubstr("export "))));
}

TEST(WrapPreview1, RefusesWhatIsNoPreview1Module) {
  EXPECT_THAT(failureOf(wrapPreview1(binary(kGreeter).view())), HasSubstr("already a component"));
  EXPECT_THAT(failureOf(wrapPreview1(binary("(module)").view())),
              HasSubstr("neither imports wasi_snapshot_preview1"));
  EXPECT_EQ(failureOf(wrapPreview1(asBytes("x"))), "not a WebAssembly binary");
}

TEST(WrapPreview1, SaysWhyAModuleCannotBeWrapped) {
  const Bytes unknown = binary(R"((module
    (import "wasi_snapshot_preview1" "no_such_call" (func))
    (memory (export "memory") 1) (func (export "_start"))))");
  EXPECT_THAT(failureOf(wrapPreview1(unknown.view())), HasSubstr("no_such_call"));
  const Bytes invalid = binary(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (func (export "_start") i32.add drop)))");
  EXPECT_THAT(failureOf(wrapPreview1(invalid.view())), StartsWith("the module is not valid"));
  const Bytes closed = binary(R"((module (func (export "_start"))))");
  EXPECT_EQ(failureOf(wrapPreview1(closed.view())),
            "the module exports no memory: one of preview 1 does, with the name \"memory\"");
  const Bytes giving = binary(R"((module
    (memory (export "memory") 1) (func (export "_start") (result i32) (i32.const 1))))");
  EXPECT_EQ(failureOf(wrapPreview1(giving.view())),
            "the module's _start has the wrong type: it is (func (result i32)) and must be (func)");
}

TEST(EncodeComponent, GivesAModuleItsWorld) {
  const std::vector<WitFile> files = {
      {"w.wit",
       "package demo:sum;\ninterface adder { add: func(a: u32, b: u32) -> u32; }\n"
       "world sum { export adder; }\n"}};
  const Bytes module = binary(R"((module
    (func (export "demo:sum/adder#add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))))");
  const Result<Bytes> component = encodeComponent(module.view(), files, "sum");
  ASSERT_TRUE(component) << component.error().message();
  EXPECT_THAT(witText(component->view()).value_or(""), HasSubstr("export demo:sum/adder;"));
  EXPECT_TRUE(encodeComponent(module.view(), files, ""));
  EXPECT_THAT(failureOf(encodeComponent(module.view(), files, "other")), HasSubstr("other"));
  EXPECT_THAT(failureOf(encodeComponent(binary("(module)").view(), files, "sum")),
              HasSubstr("`demo:sum/adder` function `add`"));
}

TEST(Componentize, TakesCommandsAndModulesThatSayTheirWorld) {
  const std::vector<WitFile> files = {
      {"w.wit", "package demo:sum;\nworld sum { export add: func(a: u32, b: u32) -> u32; }\n"}};
  const Bytes command = binary(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1) (func (export "_start"))))");
  const Result<Bytes> component = componentize(command.view());
  ASSERT_TRUE(component) << component.error().message();
  EXPECT_THAT(witText(component->view()).value_or(""), HasSubstr("export wasi:cli/run@0.2."));

  const Bytes library = binary("(module (func (export \"_initialize\")))");
  EXPECT_EQ(failureOf(componentize(library.view())),
            "the module says nothing of its world, and is no command");
  EXPECT_THAT(failureOf(componentize(component->view())), HasSubstr("already a component"));
}

TEST(Componentize, TakesAModuleWithTheObjectFileOfCBindings) {
  // The section that the linker keeps of `…_component_type.o`: an empty world.
  const Bytes bare = binary("(module)");
  const Result<ComponentInfo> before = inspectComponent(bare.view());
  ASSERT_TRUE(before);
  EXPECT_FALSE(before->carries_world);
  std::string bytes(bare.text());
  constexpr std::string_view kName = "component-type:empty";
  bytes += '\0';
  bytes += static_cast<char>(kName.size() + 1);
  bytes += static_cast<char>(kName.size());
  bytes += kName;
  const Result<ComponentInfo> after = inspectComponent(asBytes(bytes));
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_TRUE(after->carries_world);
  EXPECT_FALSE(componentize(asBytes(bytes)));  // it says nothing in it
}

std::vector<WitFile> greeterWorld() {
  return {{"w.wit",
           "package demo:greet;\ninterface greeter { greet: func(name: string) -> string; }\n"
           "world hello { export greeter; }\n"}};
}

std::vector<std::string> pathsOf(const std::vector<GuestFile>& files) {
  std::vector<std::string> paths;
  for (const GuestFile& file : files) paths.push_back(file.path);
  return paths;
}

TEST(GuestBindings, ForCAreAHeaderASourceAndAnObject) {
  const std::vector<WitFile> files = greeterWorld();
  const auto bindings = guestBindings({.files = files});
  ASSERT_TRUE(bindings) << bindings.error().message();
  EXPECT_THAT(pathsOf(*bindings),
              testing::UnorderedElementsAre("hello.h", "hello.c", "hello_component_type.o"));
  for (const GuestFile& file : *bindings) {
    if (file.path == "hello.h") {
      EXPECT_THAT(file.contents, HasSubstr("exports_demo_greet_greeter_greet("));
    }
    if (file.path.ends_with(".o")) {
      EXPECT_THAT(file.contents, StartsWith(std::string_view("\0asm", 4)));
    }
  }
}

TEST(GuestBindings, ForGoBringWhatTheyRunOn) {
  const std::vector<WitFile> files = greeterWorld();
  const auto bindings = guestBindings({.language = GuestLanguage::kGo,
                                       .files = files,
                                       .world = "hello",
                                       .package = "example.com/hello/gen",
                                       .exports_package = "example.com/hello"});
  ASSERT_TRUE(bindings) << bindings.error().message();
  EXPECT_THAT(pathsOf(*bindings),
              testing::IsSupersetOf({"wit_exports/wit_exports.go", "wit/runtime/runtime.go"}));
  for (const GuestFile& file : *bindings) {
    EXPECT_THAT(file.contents, testing::Not(HasSubstr("\"go.bytecodealliance.org"))) << file.path;
    if (file.path == "wit_exports/wit_exports.go") {
      EXPECT_THAT(file.contents, AllOf(HasSubstr("\"example.com/hello/export_demo_greet_greeter\""),
                                       HasSubstr("\"example.com/hello/gen/wit/runtime\"")));
    }
  }
}

TEST(GuestBindings, SayWhatIsWrong) {
  const std::vector<WitFile> files = greeterWorld();
  EXPECT_THAT(failureOf(guestBindings({.files = files, .world = "other"})), HasSubstr("other"));
  EXPECT_THAT(failureOf(guestBindings({.language = GuestLanguage::kGo, .files = files})),
              HasSubstr("import path"));
  EXPECT_THAT(failureOf(guestBindings({})), HasSubstr("no WIT files"));
}

TEST(Tools, SurviveEveryPrefixAndEveryFlippedByteOfAComponent) {
  const Bytes whole = binary(kGreeter);
  std::string damaged(whole.text());
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    const ByteView prefix = whole.view().first(i);
    EXPECT_FALSE(witText(prefix) && i < 8);
    static_cast<void>(inspectComponent(prefix));
    damaged[i] = static_cast<char>(~damaged[i]);
    static_cast<void>(inspectComponent(asBytes(damaged)));
    static_cast<void>(worldJson(asBytes(damaged)));
    damaged[i] = static_cast<char>(~damaged[i]);
  }
}

}  // namespace
}  // namespace nimbus::wit
