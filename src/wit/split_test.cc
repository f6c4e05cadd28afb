#include "wit/split.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/component_info.h"
#include "wit/compose.h"
#include "wit/tools.h"

namespace nimbus::wit {
namespace {

Bytes wasmOf(const std::string& wat) {
  auto wasm = watToWasm(wat);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return wasm ? *std::move(wasm) : Bytes();
}

// A component around one core module; what follows uses it as $code.
Bytes componentOf(const std::string& module, const std::string& more = "") {
  return wasmOf(fmt::format("(component (core module $code {})\n{})", module,
                            more.empty() ? "(core instance (instantiate $code))" : more));
}

std::optional<SplitComponent> splitAll(const Bytes& component) {
  auto split = splitModules(component.view(), {1, 1});
  EXPECT_TRUE(split) << split.error().describe();
  return split ? *std::move(split) : std::nullopt;
}

void expectValid(const SplitComponent& split) {
  const auto rest = validate(split.rest.view());
  EXPECT_TRUE(rest) << rest.error().describe();
  for (const auto& modules : {split.data, split.code}) {
    for (const Bytes& module : modules) {
      const auto valid = validate(module.view());
      EXPECT_TRUE(valid) << valid.error().describe();
    }
  }
}

constexpr const char* kScript = R"(
  (@custom "build" "{}")
  (import "env" "log" (func (param i32)))
  (memory (export "memory") {})
  (global (export "top") (mut i32) (i32.const 7))
  (table (export "table") 1 funcref)
  (func (export "run") (result i32) (i32.load (i32.const 16)))
  (data (i32.const 16) "{}")
  (data (i32.const 64) "more"))";

Bytes script(std::string_view data, int pages = 2) {
  return componentOf(fmt::format(fmt::runtime(kScript), data, pages, data), R"(
    (import "log" (func $log (param "x" u32)))
    (core func $lowered (canon lower (func $log)))
    (core instance $env (export "log" (func $lowered)))
    (core instance $first (instantiate $code (with "env" (instance $env))))
    (func (export "run") (result u32) (canon lift (core func $first "run"))))");
}

TEST(Split, AllButTheDataIsTheSameWhateverTheData) {
  const auto one = splitAll(script("abcd"));
  const auto other = splitAll(script("a longer text, and another"));
  ASSERT_TRUE(one && other);
  expectValid(*one);
  const auto larger = splitAll(script("abcd", 3));
  for (const auto& same : {other, larger}) {
    EXPECT_EQ(one->rest, same->rest);
    EXPECT_NE(one->data, same->data);
    EXPECT_EQ(one->code, same->code);
  }
  EXPECT_NE(one->data[0].text().find("abcd"), std::string::npos);
  for (const Bytes& code : one->code) EXPECT_EQ(code.text().find("abcd"), std::string::npos);
}

TEST(Split, TheRestImportsTheModulesUnderTheirNumbers) {
  const auto split = splitAll(script("abcd"));
  ASSERT_TRUE(split);
  const auto info = inspectComponent(split->rest.view());
  ASSERT_TRUE(info) << info.error().describe();
  std::vector<std::string> names;
  for (const ExternName& import : info->imports) names.push_back(import.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("log", "nimbus-part-m0", "nimbus-part-m1",
                                                   "nimbus-part-m2", "nimbus-part-m3"));
}

TEST(Split, WhatIsLeftOfSeveralCanBeComposed) {
  const auto part = [](std::string name, const SplitComponent& split) {
    auto info = inspectComponent(split.rest.view());
    EXPECT_TRUE(info) << info.error().describe();
    return Composition::Part{std::move(name), split.rest, info.value_or(ComponentInfo()), ""};
  };
  const auto callee = splitAll(script("of the callee"));
  const Bytes caller = componentOf(R"((import "callee" "run" (func (result i32)))
      (func (export "f") (result i32) (call 0)))",
                                   R"((import "run" (func $run (result u32)))
      (core func $lowered (canon lower (func $run)))
      (core instance $callee (export "run" (func $lowered)))
      (core instance $i (instantiate $code (with "callee" (instance $callee))))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))");
  ASSERT_TRUE(callee);
  const auto first = static_cast<std::uint32_t>(callee->data.size() + callee->code.size());
  const auto split = splitModules(caller.view(), {1, 1, first});
  ASSERT_TRUE(split && *split);
  Composition composition;
  composition.parts = {part("caller", **split), part("callee", *callee)};
  composition.links = {{0, "run", 1, "run"}};
  composition.labels = labelsFor(composition);
  const auto composed = compose(composition);
  ASSERT_TRUE(composed) << composed.error().describe();
  const auto valid = validate(composed->view());
  EXPECT_TRUE(valid) << valid.error().describe();
  const auto info = inspectComponent(composed->view());
  ASSERT_TRUE(info) << info.error().describe();
  const auto modules = std::ranges::count_if(info->imports, [](const ExternName& import) {
    return import.name.starts_with(kModuleImport);
  });
  EXPECT_EQ(modules, first + (*split)->data.size() + (*split)->code.size());
}

TEST(Split, OneModuleWithEnoughCodeIsReasonToTakeOutAll) {
  std::string nops;
  for (int i = 0; i < 100; ++i) nops += "nop ";
  const Bytes component = wasmOf(fmt::format(R"((component
    (core module $small (func))
    (core module $large (func (export "f") {}))
    (core instance (instantiate $small))
    (core instance $l (instantiate $large))
    (func (export "f") (canon lift (core func $l "f")))))",
                                             nops));
  const auto split = splitModules(component.view(), {50, 50});
  ASSERT_TRUE(split && *split);
  EXPECT_EQ((*split)->code.size(), 2);
  expectValid(**split);
  EXPECT_FALSE(splitModules(component.view(), {1000, 1000}).value());
  EXPECT_FALSE(splitModules(component.view(), {1000, 50}).value());
  EXPECT_TRUE(splitModules(component.view(), {50, 1000}).value());
}

TEST(Split, WhatIsSmallBesideAnotherIsNotCutIntoChunks) {
  const auto modulesWith = [](int nops) {
    std::string much;
    for (int i = 0; i < 1000; ++i) much += "nop ";
    const Bytes component = wasmOf(fmt::format(R"((component
      (core module $library (memory 1) (func {}) (data (i32.const 0) "l"))
      (core module $large (memory 1) (func {}) (data (i32.const 0) "x"))
      (core instance (instantiate $library))
      (core instance (instantiate $large))))",
                                               much.substr(0, nops * 4), much));
    const auto split = splitModules(component.view(), {1, 50});
    EXPECT_TRUE(split && *split);
    return (*split)->code.size();
  };
  EXPECT_EQ(modulesWith(200), 4) << "a chunk and what exports, of each";
  EXPECT_EQ(modulesWith(100), 3);
}

TEST(Split, AModuleWithoutDataOfItsOwnKeepsItsMemory) {
  const auto split = splitAll(componentOf(R"((memory (export "memory") 1) (func))"));
  ASSERT_TRUE(split);
  expectValid(*split);
  const auto imports_it = splitAll(wasmOf(R"((component
    (core module $memory (memory (export "memory") 1))
    (core instance $m (instantiate $memory))
    (core module $code (import "m" "memory" (memory 1)) (func (export "f")))
    (core instance (instantiate $code (with "m" (instance $m))))))"));
  ASSERT_TRUE(imports_it);
  expectValid(*imports_it);
}

TEST(Split, TheDataMayBeInThePagesOfAnotherModule) {
  const auto splitOf = [](int pages) {
    return splitAll(wasmOf(fmt::format(R"((component
      (core module $data (memory (export "memory") {0}) (data (i32.const 0) "{0} pages"))
      (core instance $d (instantiate $data))
      (core module $code (import "m" "memory" (memory {0})) (func (export "f")))
      (core instance (instantiate $code (with "m" (instance $d))))))",
                                       pages)));
  };
  const auto one = splitOf(1);
  const auto other = splitOf(7);
  ASSERT_TRUE(one && other);
  expectValid(*one);
  EXPECT_EQ(one->rest, other->rest);
  EXPECT_NE(one->data, other->data);
  EXPECT_EQ(one->code, other->code);
}

TEST(Split, SmallModulesAreTakenOutWithDataThatCannotBeMoved) {
  std::string nops;
  for (int i = 0; i < 100; ++i) nops += "nop ";
  const Bytes component = wasmOf(fmt::format(R"((component
    (core module $small (memory 1) (func) (data "passive"))
    (core module $large (func {}))
    (core instance (instantiate $small))
    (core instance (instantiate $small))
    (core instance (instantiate $large))))",
                                             nops));
  const auto split = splitModules(component.view(), {50, 50});
  ASSERT_TRUE(split && *split);
  EXPECT_TRUE((*split)->data.empty());
  ASSERT_EQ((*split)->code.size(), 2);
  EXPECT_NE((*split)->code[0].text().find("passive"), std::string::npos);
  expectValid(**split);
}

TEST(Split, SeveralModulesWithDataHaveAMemoryEach) {
  const auto split = splitAll(wasmOf(R"((component
    (core module $a (memory (export "memory") 1) (func) (data (i32.const 0) "of a"))
    (core module $b (memory (export "memory") 1 3) (func) (data (i32.const 0) "of b"))
    (core instance $ia (instantiate $a))
    (alias core export $ia "memory" (core memory))
    (core instance $ib (instantiate $b))
    (alias core export $ib "memory" (core memory))))"));
  ASSERT_TRUE(split);
  ASSERT_EQ(split->data.size(), 4);
  EXPECT_NE(split->data[0].text().find("of a"), std::string::npos);
  EXPECT_NE(split->data[2].text().find("of b"), std::string::npos);
  expectValid(*split);
}

struct Program {
  std::string data;
  int edited = 0;
  int more = 0;  // functions before all others
};

// Functions that call the one before and speak of data behind that of the program.
Bytes program(const Program& program) {
  std::string nops;
  for (int i = 0; i < 1000; ++i) nops += "nop ";
  std::string functions;
  for (int i = 0; i < program.more; ++i)
    functions += fmt::format("(func $more{} (result i32) (i32.const {}))", i, i);
  constexpr int kFunctions = 500;
  for (int i = 0; i < kFunctions; ++i) {
    functions +=
        fmt::format("(func $f{} (result i32) {} (i32.add {} (i32.load (i32.const {}))))", i,
                    nops + fmt::format("(drop (i32.const {}))", i == 100 ? program.edited : i),
                    i == 0 ? "(i32.const 0)" : fmt::format("(call $f{})", i - 1),
                    2000 + program.data.size() + i);
  }
  return componentOf(fmt::format(R"((memory (export "memory") 1)
    (data (i32.const 1500) "{}") {}
    (table (export "t") 4 funcref) (elem (i32.const 1) $f10 $f11 $f190)
    (start $start) (func $start)
    (func (export "f") (result i32) (call $f{})))",
                                 program.data, functions, kFunctions - 1));
}

std::size_t newModules(const SplitComponent& before, const SplitComponent& after) {
  return static_cast<std::size_t>(std::ranges::count_if(after.code, [&](const Bytes& module) {
    return std::ranges::find(before.code, module) == before.code.end();
  }));
}

TEST(Split, AnEditOfCodeChangesFewChunks) {
  const auto before = splitAll(program({.data = "short"}));
  ASSERT_TRUE(before);
  expectValid(*before);
  EXPECT_GE(before->code.size(), 8);
  const auto after = [&](const Program& edited) {
    auto split = splitModules(program(edited).view(), {1, 1}, before->layouts);
    EXPECT_TRUE(split && *split);
    expectValid(**split);
    return **std::move(split);
  };
  EXPECT_EQ(newModules(*before, after({.data = "short"})), 0);
  const SplitComponent moved = after({.data = "a longer text, and another"});
  EXPECT_EQ(newModules(*before, moved), 0);
  EXPECT_EQ(moved.rest, before->rest);
  EXPECT_EQ(newModules(*before, after({.data = "other", .edited = 5000})), 1);
  // And what fills the table; with a place for a function more in its chunk, at most one more.
  EXPECT_LE(newModules(*before, after({.data = "other", .more = 1})), 3);
  EXPECT_LE(newModules(*before, after({.data = "other", .more = 40})), 3);
}

TEST(Split, ThoseThatAreAlikeButForTheirCodeHaveLayoutsOfTheirOwn) {
  const auto splitOf = [](const Bytes& component, std::uint32_t which, const Bytes& layouts) {
    auto split = splitModules(
        component.view(), {.min_code_bytes = 1, .large_code_bytes = 1, .which = which}, layouts);
    EXPECT_TRUE(split && *split);
    return **std::move(split);
  };
  const SplitComponent one = splitOf(program({.data = "one"}), 1, {});
  const SplitComponent other =
      splitOf(program({.data = "the other", .edited = 77, .more = 150}), 2, one.layouts);
  const SplitComponent edited = splitOf(program({.data = "one", .edited = 5000}), 1, other.layouts);
  EXPECT_EQ(newModules(one, edited), 1);
}

TEST(Split, WhatIsKnownOfComponentsBeforeMayBeAnything) {
  const Bytes component = program({.data = "short"});
  const auto split = splitAll(component);
  ASSERT_TRUE(split);
  const Bytes& layouts = split->layouts;
  for (std::size_t size = 0; size <= layouts.size(); size += 7) {
    const auto again = splitModules(component.view(), {1, 1}, layouts.slice(0, size));
    if (again && *again) expectValid(**again);
  }
}

// What cannot be taken apart stays as it is.
TEST(Split, DataThatCannotBeMovedStays) {
  for (const char* module : {
           R"((memory 1) (func) (data "passive"))",
           R"((import "m" "m" (memory 1)) (func) (data (i32.const 0) "elsewhere"))",
           R"((import "m" "g" (global i32)) (memory 1) (func) (data (global.get 0) "somewhere"))",
           R"((import "m" "g" (global i32)) (memory 1) (func)
              (data (offset (i32.add (i32.const 8) (global.get 0))) "behind it"))",
       }) {
    const Bytes component = componentOf(module, "(component)");
    EXPECT_FALSE(splitAll(component)) << module;
  }
  const std::string twice =
      "(core instance (instantiate $code)) (core instance (instantiate $code))";
  EXPECT_FALSE(splitAll(componentOf(R"((memory 1) (func) (data (i32.const 0) "x"))", twice)));
  EXPECT_TRUE(splitAll(componentOf("(memory 1) (func)", twice)));
}

TEST(Split, ComponentsThatPassModulesAroundStay) {
  for (const char* more : {
           R"((export "code" (core module $code)))",
           R"((import "other" (core module $other)))",
           R"((component (alias outer 1 $code (core module $same))
                (core instance (instantiate $same))))",
           R"((component (alias outer 1 $code (core module $same))
                (export "same" (core module $same))))",
           R"((component (core module (func))))",
           R"((core type (module)))",
           R"((component $c (import "m" (core module)))
                (instance (instantiate $c (with "m" (core module $code)))))",
       }) {
    EXPECT_FALSE(splitAll(componentOf("(func)", more))) << more;
  }
}

TEST(Split, WhatIsNoComponentFails) {
  EXPECT_FALSE(splitModules(asBytes(std::string_view("\0as", 3)), {1, 1}));
  EXPECT_FALSE(splitModules(wasmOf("(module (func))").view(), {1, 1}));
  const Bytes broken = script("abcd");
  EXPECT_FALSE(splitModules(broken.view().first(broken.size() - 3), {1, 1}));
}

}  // namespace
}  // namespace nimbus::wit
