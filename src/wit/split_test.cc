#include "wit/split.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/component_info.h"
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
  auto split = splitModules(component.view(), 1);
  EXPECT_TRUE(split) << split.error().describe();
  return split ? *std::move(split) : std::nullopt;
}

void expectValid(const SplitComponent& split) {
  const auto rest = validate(split.rest.view());
  EXPECT_TRUE(rest) << rest.error().describe();
  for (const Bytes& module : split.modules) {
    const auto valid = validate(module.view());
    EXPECT_TRUE(valid) << valid.error().describe();
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

TEST(Split, TheModuleIsTheSameWhateverItsData) {
  const auto one = splitAll(script("abcd"));
  const auto other = splitAll(script("a longer text, and another"));
  ASSERT_TRUE(one && other);
  expectValid(*one);
  ASSERT_EQ(one->modules.size(), 1);
  EXPECT_EQ(one->modules, other->modules);
  EXPECT_NE(one->rest, other->rest);
  EXPECT_EQ(one->modules, splitAll(script("abcd", 3))->modules);
  EXPECT_NE(splitAll(script("abcd"))->rest.text().find("abcd"), std::string::npos);
  EXPECT_EQ(one->modules[0].text().find("abcd"), std::string::npos);
}

TEST(Split, TheRestImportsTheModuleUnderItsNumber) {
  const auto split = splitAll(script("abcd"));
  ASSERT_TRUE(split);
  const auto info = inspectComponent(split->rest.view());
  ASSERT_TRUE(info) << info.error().describe();
  std::vector<std::string> names;
  for (const ExternName& import : info->imports) names.push_back(import.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("log", "nimbus-code-m0"));
}

TEST(Split, OnlyModulesWithEnoughCodeAreTakenOut) {
  std::string nops;
  for (int i = 0; i < 100; ++i) nops += "nop ";
  const Bytes component = wasmOf(fmt::format(R"((component
    (core module $small (func))
    (core module $large (func (export "f") {}))
    (core instance (instantiate $small))
    (core instance $l (instantiate $large))
    (func (export "f") (canon lift (core func $l "f")))))",
                                             nops));
  const auto split = splitModules(component.view(), 50);
  ASSERT_TRUE(split && *split);
  EXPECT_EQ((*split)->modules.size(), 1);
  expectValid(**split);
  EXPECT_FALSE(splitModules(component.view(), 1000).value());
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

TEST(Split, SeveralModulesWithDataHaveAMemoryEach) {
  const auto split = splitAll(wasmOf(R"((component
    (core module $a (memory (export "memory") 1) (func) (data (i32.const 0) "of a"))
    (core module $b (memory (export "memory") 1 3) (func) (data (i32.const 0) "of b"))
    (core instance $ia (instantiate $a))
    (alias core export $ia "memory" (core memory))
    (core instance $ib (instantiate $b))
    (alias core export $ib "memory" (core memory))))"));
  ASSERT_TRUE(split);
  EXPECT_EQ(split->modules.size(), 2);
  expectValid(*split);
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
  EXPECT_FALSE(splitModules(asBytes(std::string_view("\0as", 3)), 1));
  EXPECT_FALSE(splitModules(wasmOf("(module (func))").view(), 1));
  const Bytes broken = script("abcd");
  EXPECT_FALSE(splitModules(broken.view().first(broken.size() - 3), 1));
}

}  // namespace
}  // namespace nimbus::wit
