#include "wash/inspect/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "wit/tools.h"

namespace nimbus::wash {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kHello = R"((component $hello
  (import "wasi:io/streams@0.2.3" (instance))
  (import "wasi:http/types@0.2.10" (instance))
  (core module (memory 17 32)
    (@producers (language "Rust" "1.95.0")))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler))))";

Bytes binary(std::string_view wat) { return wit::watToWasm(wat).value_or(Bytes()); }

Inspection inspected(std::string_view wat, std::optional<std::uint64_t> native_code_bytes = {}) {
  Result<Inspection> result = inspect("hello.wasm", binary(wat).view(), native_code_bytes);
  EXPECT_TRUE(result) << result.error().message();
  return std::move(result).value();
}

wit::ComponentInfo exporting(std::string_view name) {
  const std::string wat =
      R"((component (instance $i) (export ")" + std::string(name) + R"(" (instance $i))))";
  return inspected(wat).info;
}

TEST(InspectionText, IsTheWorldAndASummaryAsComments) {
  const std::string text = inspectionText(inspected(kHello, 2048));
  EXPECT_THAT(
      text, AllOf(StartsWith("package root:component;\n\nworld root {\n"),
                  HasSubstr("  export wasi:http/incoming-handler@0.2.10;\n"),
                  HasSubstr("\n// hello.wasm: component, WASI 0.2, serves HTTP "
                            "(wasi:http/incoming-handler@0.2.10)\n"),
                  HasSubstr("// name         hello\n"), HasSubstr("// native code  2.0 KiB\n"),
                  HasSubstr("// memory       1.1 MiB at the start, at most 2.0 MiB\n"),
                  HasSubstr("// made by      Rust 1.95.0\n"), HasSubstr("// digest       sha256:"),
                  EndsWith("\n")));
}

TEST(InspectionText, IsValidWit) {
  const std::string text = inspectionText(inspected(kHello));
  const std::vector<wit::WitFile> files = {{"world.wit", text}};
  const Result<std::string> parsed = wit::parseWit(files);
  EXPECT_TRUE(parsed) << parsed.error().message() << "\n" << text;
}

TEST(InspectionText, SaysWhenThereIsNoNativeCode) {
  EXPECT_THAT(inspectionText(inspected(kHello)), HasSubstr("// native code  not in the cache\n"));
}

TEST(InspectionText, OfAModuleIsOnlyTheSummary) {
  const std::string text = inspectionText(inspected(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1) (memory 1) (func (export "_start"))))"));
  EXPECT_THAT(text, AllOf(StartsWith("// hello.wasm: core module, WASI 0.1 (preview 1), "
                                     "runs as a command (_start)\n"),
                          HasSubstr("// memory       128.0 KiB at the start in 2 memories\n")));
}

TEST(InspectionText, SaysWhyAModuleThatLooksLikeACommandDoesNotRun) {
  const Inspection inspection = inspected(R"((module (import "wasi_unstable" "f" (func))
    (memory (export "memory") 1) (func (export "_start"))))");
  EXPECT_THAT(inspectionText(inspection),
              AllOf(StartsWith("// hello.wasm: core module, no WASI, does not run: "),
                    HasSubstr("wasi_unstable::f")));
  EXPECT_EQ(boost::json::parse(inspectionJson(inspection)).at("data").at("runs"), "none");
}

TEST(InspectionText, EscapesWhatTheBinarySays) {
  const std::string text = inspectionText(inspected(
      R"((component (@custom "description" "a\0a\1b[31mred")
          (@producers (language "\1b]0;x" "1"))))"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), HasSubstr("a\\n"), HasSubstr("red")));
}

TEST(InspectionJson, HasTheFactsUnderData) {
  const boost::json::value json = boost::json::parse(inspectionJson(inspected(kHello, 2048)));
  EXPECT_EQ(json.at("success"), true);
  EXPECT_EQ(json.at("message"), "hello.wasm serves HTTP (wasi:http/incoming-handler@0.2.10)");
  const boost::json::value& data = json.at("data");
  EXPECT_EQ(data.at("wasi"), "p2");
  EXPECT_EQ(data.at("runs"), "http-p2");
  EXPECT_EQ(data.at("nativeCodeBytes"), 2048);
  EXPECT_EQ(data.at("size"), binary(kHello).size());
  EXPECT_EQ(data.at("imports").at(1).at("name"), "wasi:http/types@0.2.10");
  EXPECT_EQ(data.at("imports").at(1).at("interface"), "wasi:http/types");
  EXPECT_EQ(data.at("exports").at(0).at("version"), "0.2.10");
  EXPECT_EQ(data.at("versions").at("wasi:io").at(0), "0.2.3");
  EXPECT_EQ(data.at("memory").at("initialBytes"), 17 * 65536);
  EXPECT_EQ(data.at("memory").at("memories").at(0).at("maximumPages"), 32);
  EXPECT_EQ(data.at("producers").at("language").at("Rust"), "1.95.0");
  EXPECT_EQ(data.at("about").at("name"), "hello");
  EXPECT_TRUE(data.at("about").at("version").is_null());
  EXPECT_THAT(std::string(data.at("digest").as_string()), StartsWith("sha256:"));
  EXPECT_THAT(std::string(data.at("wit").as_string()), StartsWith("package root:component;"));
}

TEST(InspectionJson, HasNullsWhereThereIsNothing) {
  const boost::json::value json = boost::json::parse(inspectionJson(inspected("(module)")));
  const boost::json::value& data = json.at("data");
  EXPECT_EQ(data.at("type"), "module");
  EXPECT_TRUE(data.at("wit").is_null());
  EXPECT_TRUE(data.at("nativeCodeBytes").is_null());
  EXPECT_EQ(data.at("imports"), boost::json::array());
}

TEST(Inspect, TheDigestIsThatOfTheBytes) {
  // sha256sum of the eight bytes of an empty module.
  EXPECT_EQ(inspected("(module)").digest,
            "sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476");
}

TEST(Inspect, FailsForWhatIsNotWebAssembly) {
  EXPECT_FALSE(inspect("x", asBytes("hello"), {}));
  EXPECT_FALSE(inspect("x", asBytes(std::string_view("\0asm\x0d\0\x01\0\x09", 9)), {}));
}

TEST(Inspect, FailsForWhatIsNotValid) {
  for (const std::string_view wat :
       {"(module (func (result i32)))", "(component (core module (func (result i32))))"}) {
    const auto result = inspect("x.wasm", binary(wat).view(), {});
    ASSERT_FALSE(result) << wat;
    EXPECT_THAT(result.error().describe(), AllOf(StartsWith("x.wasm: "), HasSubstr("at offset")));
  }
}

TEST(ExplainNotRunnable, NamesTheExportsAndWhatIsNeeded) {
  EXPECT_EQ(explainNotRunnable(exporting("demo:sum/adder@0.1.0")),
            "a component that exports demo:sum/adder@0.1.0; running it needs an export of "
            "wasi:http/incoming-handler@0.2.x, wasi:http/handler@0.3.x or wasi:cli/run@0.2.x or "
            "0.3.x");
  EXPECT_THAT(explainNotRunnable(inspected("(component)").info),
              StartsWith("a component that exports nothing; running it needs"));
}

TEST(ExplainNotRunnable, TellsDraftsAndOtherVersions) {
  EXPECT_THAT(
      explainNotRunnable(exporting("wasi:http/handler@0.3.0-rc-2026-01-06")),
      StartsWith("a component that exports wasi:http/handler@0.3.0-rc-2026-01-06, a draft"));
  EXPECT_THAT(explainNotRunnable(exporting("wasi:cli/run@0.1.0")),
              StartsWith("a component that exports wasi:cli/run@0.1.0, a version"));
}

TEST(ExplainNotRunnable, SaysWhatAModuleNeeds) {
  const std::string text = explainNotRunnable(
      inspected(R"((module (import "env" "f" (func)) (func (export "add"))))").info);
  EXPECT_THAT(text, StartsWith("a core module that imports from env and exports add; "));
}

TEST(ExplainNotRunnable, SaysWhatAReactorLacks) {
  const std::string text = explainNotRunnable(inspected(R"((module
    (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
    (memory (export "memory") 1) (func (export "_initialize"))))")
                                                  .info);
  EXPECT_EQ(text,
            "a core module that imports from wasi_snapshot_preview1 and exports memory and "
            "_initialize; running it needs a component, or a preview 1 module, which exports "
            "_start or has its world in it");
}

TEST(ExplainNotRunnable, StaysOneShortLine) {
  std::string wat = "(component (instance $i)";
  for (int i = 0; i < 100; ++i) {
    wat += " (export \"demo:a/i" + std::to_string(i) + "\" (instance $i))";
  }
  const std::string text = explainNotRunnable(inspected(wat + ")").info);
  EXPECT_THAT(text, AllOf(HasSubstr("and 92 more"), Not(HasSubstr("\n"))));
  EXPECT_LT(text.size(), 500);
}

}  // namespace
}  // namespace nimbus::wash
