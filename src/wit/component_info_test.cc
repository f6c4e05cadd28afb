#include "wit/component_info.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Bytes binary(std::string_view wat) {
  Result<Bytes> bytes = watToWasm(wat);
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes.value_or(Bytes());
}

ComponentInfo inspected(std::string_view wat) {
  Result<ComponentInfo> info = inspectComponent(binary(wat).view());
  EXPECT_TRUE(info) << info.error().message();
  return info.value_or(ComponentInfo());
}

// A component that exports an empty instance of that name.
ComponentInfo exporting(std::string_view name) {
  return inspected(fmt::format(R"((component (instance $i) (export "{}" (instance $i))))", name));
}

TEST(InspectComponent, ListsNamesWithVersions) {
  const ComponentInfo info = inspected(R"((component
    (import "wasi:io/streams@0.2.10" (instance))
    (import "log" (func))
    (core module $m)
    (export "shapes" (core module $m))))");
  EXPECT_EQ(info.kind, BinaryKind::kComponent);
  ASSERT_EQ(info.imports.size(), 2);
  EXPECT_EQ(info.imports[0].name, "wasi:io/streams@0.2.10");
  EXPECT_EQ(info.imports[0].kind, "instance");
  EXPECT_EQ(info.imports[0].parts.interface, "wasi:io/streams");
  EXPECT_EQ(info.imports[0].parts.version, "0.2.10");
  EXPECT_EQ(info.imports[1].kind, "func");
  ASSERT_EQ(info.exports.size(), 1);
  EXPECT_EQ(info.exports[0].name, "shapes");
  EXPECT_EQ(info.exports[0].kind, "module");
}

TEST(InspectComponent, ListsOnlyTheOutermostLevel) {
  const ComponentInfo info = inspected(R"((component
    (component (import "inner" (func)) (core module (memory 1)))))");
  EXPECT_THAT(info.imports, IsEmpty());
  EXPECT_EQ(info.components, 1);
  EXPECT_EQ(info.modules, 1);
  EXPECT_EQ(info.memories.size(), 1);
}

TEST(InspectComponent, SumsMemoriesTablesAndModulesInside) {
  const ComponentInfo info = inspected(R"((component
    (core module (memory 17 256) (table 3 funcref))
    (core module (memory 2) (table 1 funcref) (table 1 externref))
    (core module (import "env" "memory" (memory 90)))))");
  EXPECT_EQ(info.modules, 3);
  EXPECT_EQ(info.tables, 3);
  ASSERT_EQ(info.memories.size(), 2);
  EXPECT_EQ(info.memories[0].initial_pages, 17);
  EXPECT_EQ(info.memories[0].maximum_pages, 256);
  EXPECT_EQ(info.memories[1].maximum_pages, std::nullopt);
  EXPECT_EQ(info.initialMemoryBytes(), 19 * 65536);
  EXPECT_EQ(info.largestInitialMemoryBytes(), 17 * 65536);
}

TEST(InspectComponent, ASumOfMemoriesDoesNotOverflow) {
  const ComponentInfo info = inspected(R"((module
    (memory i64 0xffff_ffff_ffff) (memory i64 0xffff_ffff_ffff)))");
  EXPECT_EQ(info.initialMemoryBytes(), UINT64_MAX);
  EXPECT_EQ(info.largestInitialMemoryBytes(), UINT64_MAX - 65535);
}

// Who reads it would make room for all of it.
TEST(InspectComponent, AFunctionIsNoLargerThanItsSection) {
  const auto moduleWith = [](std::string_view size_of_function) {
    std::string module(
        "\0asm\1\0\0\0"
        "\1\4\1\x60\0\0"
        "\3\2\1\0"
        "\x0a",
        19);
    module += static_cast<char>(1 + size_of_function.size() + 2);
    module += "\1" + std::string(size_of_function) + std::string("\0\x0b", 2);
    return module;
  };
  EXPECT_TRUE(inspectComponent(asBytes(moduleWith("\2"))));
  EXPECT_FALSE(inspectComponent(asBytes(moduleWith("\3"))));
  EXPECT_FALSE(inspectComponent(asBytes(moduleWith("\xff\xff\xff\xff\x0f"))));
}

TEST(InspectComponent, ReadsWhatTheBinarySaysOfItself) {
  const ComponentInfo info = inspected(R"((component $counter
    (@custom "version" "1.2.3")
    (@custom "description" "counts")
    (@custom "authors" "\ff\fe")
    (core module
      (@producers (language "Rust" "1.95.0") (processed-by "rustc" "1.95.0")))
    (@producers (processed-by "linker" "7"))))");
  EXPECT_EQ(info.about.name, "counter");
  EXPECT_EQ(info.about.version, "1.2.3");
  EXPECT_EQ(info.about.description, "counts");
  EXPECT_EQ(info.about.authors, "") << "a text that is not UTF-8 counts as absent";
  EXPECT_EQ(info.producers.at("language").at("Rust"), "1.95.0");
  EXPECT_EQ(info.producers.at("processed-by").size(), 2);
}

TEST(InspectComponent, MeasuresTheBinaryAndItsSections) {
  const Bytes bytes = binary(R"((component (core module (func) (data "0123456789"))))");
  const Result<ComponentInfo> info = inspectComponent(bytes.view());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, bytes.size());
  EXPECT_EQ(info->section_bytes.at("code"), 4);
  EXPECT_GT(info->section_bytes.at("data"), 10);
}

TEST(InspectComponent, TellsTheWasiLevel) {
  EXPECT_EQ(inspected("(component)").wasi, WasiLevel::kNone);
  EXPECT_EQ(inspected("(module)").wasi, WasiLevel::kNone);
  EXPECT_EQ(exporting("demo:a/b@0.3.0").wasi, WasiLevel::kNone);
  EXPECT_EQ(exporting("wasi:cli/run@0.2.3").wasi, WasiLevel::kP2);
  EXPECT_EQ(exporting("wasi:http/handler@0.3.0").wasi, WasiLevel::kP3);
  EXPECT_EQ(exporting("wasi:http/handler@0.3.0-rc-2026-01-06").wasi, WasiLevel::kP3);
  EXPECT_EQ(inspected(R"((component (import "wasi:cli/stdout@0.2.0" (instance))
    (import "wasi:clocks/types@0.3.1" (instance))))")
                .wasi,
            WasiLevel::kP3);
  EXPECT_EQ(inspected(R"((module (import "wasi_snapshot_preview1" "x" (func))))").wasi,
            WasiLevel::kP1);
}

TEST(InspectComponent, KnowsWhatNeedsTheFullEngine) {
  EXPECT_FALSE(exporting("wasi:cli/run@0.2.0").needsFullEngine());
  EXPECT_TRUE(exporting("wasi:cli/run@0.3.0").needsFullEngine());
  EXPECT_FALSE(inspected(R"((component (import "f" (func (param "x" string)))))").needs_async);
  for (const char* wat : {
           R"((component (import "f" (func async))))",
           R"((component (import "i" (instance (export "f" (func async))))))",
           R"((component (type (stream u8))))",
           R"((component (component (type (future)))))",
           R"((component (core func (canon task.cancel))))",
           R"((component (import "f" (func $f)) (core func (canon lower (func $f) async))))",
       }) {
    EXPECT_TRUE(inspected(wat).needsFullEngine()) << wat;
  }
}

TEST(InspectComponent, KnowsWhereCallsMayCrossBetweenComponentsInside) {
  for (const char* wat : {
           R"((component (component)))",
           R"((component (import "f" (func $f)) (core func (canon lower (func $f)))))",
           // What exports an interface of imported functions, as wit-component does it.
           R"((component (component (import "f" (func $f)) (export "g" (func $f)))))",
       }) {
    EXPECT_FALSE(inspected(wat).has_inner_calls) << wat;
  }
  EXPECT_TRUE(inspected(R"((component (component
    (import "f" (func $f)) (core func (canon lower (func $f))))))")
                  .has_inner_calls);
}

TEST(InspectComponent, FindsTheEntryOfAModule) {
  EXPECT_EQ(inspected(R"((module (func (export "_start"))))").entry, ModuleEntry::kCommand);
  EXPECT_EQ(inspected(R"((module (func (export "_initialize"))))").entry, ModuleEntry::kReactor);
  EXPECT_EQ(inspected(R"((module (memory (export "_start") 1)))").entry, ModuleEntry::kNone);
  EXPECT_EQ(inspected(R"((module (func (export "_initialize")) (func (export "_start"))))").entry,
            ModuleEntry::kCommand);
}

TEST(InspectComponent, NamesEachModuleImportedFromOnce) {
  const ComponentInfo info = inspected(R"((module
    (import "env" "a" (func)) (import "env" "b" (func)) (import "other" "a" (func))))");
  ASSERT_EQ(info.imports.size(), 2);
  EXPECT_EQ(info.imports[0].name, "env");
  EXPECT_EQ(info.imports[1].name, "other");
}

TEST(InspectComponent, RefusesWhatIsNotWebAssembly) {
  for (const std::string_view text : {"", "hello", "(module)",
                                      "\x7f"
                                      "ELF"}) {
    const Result<ComponentInfo> info = inspectComponent(asBytes(text));
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(info.error().message(), "not a WebAssembly binary");
  }
}

TEST(InspectComponent, SaysWhereABinaryIsBroken) {
  const Bytes whole = binary(R"((component (import "wasi:io/streams@0.2.10" (instance))))");
  // The sections: header, type, import.
  EXPECT_TRUE(inspectComponent(whole.view().first(8)));
  for (std::size_t size = 4; size < whole.size(); ++size) {
    const Result<ComponentInfo> info = inspectComponent(whole.view().first(size));
    if (info) {
      EXPECT_TRUE(size == 8 || size == 13) << "only between two sections: " << size;
      continue;
    }
    EXPECT_EQ(info.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(info.error().message(), HasSubstr("offset")) << size;
  }
}

TEST(InspectComponent, RefusesTypesThatWouldExhaustAStack) {
  // A component type in a component type in …: a few hundred kilobytes that overflow the stack of
  // a parser that recurses.
  constexpr int kDepth = 100'000;
  std::string section("\x01\x41", 2);
  for (int i = 0; i < kDepth; ++i) section += std::string("\x01\x01\x41", 3);
  section.push_back('\0');
  std::string bytes("\0asm\x0d\0\x01\0\x07", 9);
  std::size_t size = section.size();
  for (; size >= 0x80; size >>= 7) bytes.push_back(static_cast<char>((size & 0x7f) | 0x80));
  bytes.push_back(static_cast<char>(size));
  bytes += section;

  const Result<ComponentInfo> info = inspectComponent(asBytes(bytes));
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().message(), HasSubstr("nested more than 100 levels deep"));
  EXPECT_FALSE(validate(asBytes(bytes)));
  EXPECT_FALSE(witText(asBytes(bytes)));
}

TEST(RunKind, FollowsTheExports) {
  EXPECT_EQ(runKind(exporting("wasi:http/incoming-handler@0.2.0")), RunKind::kHttpP2);
  EXPECT_EQ(runKind(exporting("wasi:http/handler@0.3.0")), RunKind::kHttpP3);
  EXPECT_EQ(runKind(exporting("wasi:cli/run@0.2.12")), RunKind::kCommandP2);
  EXPECT_EQ(runKind(exporting("wasi:cli/run@0.3.0")), RunKind::kCommandP3);
  EXPECT_EQ(runKind(inspected(R"((module (func (export "_start"))))")), RunKind::kPreview1);
}

TEST(RunKind, IsNoneForDraftsAndStrangers) {
  EXPECT_EQ(runKind(exporting("wasi:http/handler@0.3.0-rc-2026-01-06")), RunKind::kNone);
  EXPECT_EQ(runKind(exporting("wasi:http/incoming-handler@0.1.0")), RunKind::kNone);
  EXPECT_EQ(runKind(exporting("demo:http/handler@0.3.0")), RunKind::kNone);
  EXPECT_EQ(runKind(inspected("(component)")), RunKind::kNone);
  EXPECT_EQ(runKind(inspected(R"((module (func (export "add"))))")), RunKind::kNone);
}

TEST(RunKind, OfAReactorOfPreview1IsThatOfItsWorldIfItCarriesOne) {
  const std::string reactor = R"((module
    (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
    (func (export "_initialize")))";
  EXPECT_EQ(runKind(inspected(reactor + ")")), RunKind::kNone);
  EXPECT_EQ(runKind(inspected(reactor + R"((@custom "component-type:w" "")))")),
            RunKind::kPreview1);
}

TEST(RunKind, PrefersHttpAndTheNewerVersion) {
  const ComponentInfo both = inspected(R"((component (instance $i)
    (export "wasi:cli/run@0.3.0" (instance $i))
    (export "wasi:cli/run@0.2.0" (instance $i))
    (export "wasi:http/incoming-handler@0.2.4" (instance $i))))");
  EXPECT_EQ(both.run_version, "0.3.0");
  EXPECT_EQ(both.incoming_handler_version, "0.2.4");
  EXPECT_EQ(runKind(both), RunKind::kHttpP2);
}

}  // namespace
}  // namespace nimbus::wit
