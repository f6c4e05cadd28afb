#include "wit/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Imports its environment, streams, and a function of its own invention; exports demo:pair/backend.
constexpr std::string_view kCallee = R"((component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (import "wasi:cli/environment@0.2.0" (instance
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "acme:store/bucket@0.1.0-draft" (instance $bucket
    (export "handle" (type (sub resource)))))
  (alias export $bucket "handle" (type $handle))
  (import "acme:store/atomics@0.1.0-draft" (instance
    (export "handle" (type $h (eq $handle)))
    (export "next" (func (param "of" (borrow $h)) (result u32)))))
  (import "extra" (func (param "x" u32)))
  (core module $m (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (instance $e (export "add" (func $add)))
  (export "demo:pair/backend@0.1.2" (instance $e))))";

// Imports demo:pair/backend, its own environment and a newer wasi:io; exports `total`.
constexpr std::string_view kCaller = R"((component
  (import "wasi:io/error@0.2.6" (instance (export "error" (type (sub resource)))))
  (import "wasi:cli/environment@0.2.3" (instance
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "demo:pair/backend@0.1.0" (instance $backend
    (export "add" (func (param "a" u32) (param "b" u32) (result u32)))))
  (core func $add (canon lower (func $backend "add")))
  (core module $m
    (import "" "add" (func $add (param i32 i32) (result i32)))
    (func (export "total") (result i32) (call $add (i32.const 40) (i32.const 2))))
  (core instance $i (instantiate $m (with "" (instance (export "add" (func $add))))))
  (func $total (result u32) (canon lift (core func $i "total")))
  (instance $e (export "total" (func $total)))
  (export "demo:pair/frontend@0.1.0" (instance $e))))";

Bytes binary(std::string_view wat) {
  Result<Bytes> bytes = watToWasm(wat, "test.wat");
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes.value_or(Bytes());
}

Composition::Part partOf(std::string name, const Bytes& wasm) {
  const auto info = inspectComponent(wasm.view());
  EXPECT_TRUE(info) << info.error().message();
  return {std::move(name), wasm, info.value_or(ComponentInfo()), ""};
}

Composition pair(std::string_view caller = kCaller, std::string_view callee = kCallee) {
  Composition composition;
  composition.parts = {partOf("caller", binary(caller)), partOf("callee", binary(callee))};
  composition.links = {{0, "demo:pair/backend@0.1.0", 1, "demo:pair/backend@0.1.2"}};
  composition.labels = labelsFor(composition);
  return composition;
}

// "name" or "label = interface".
std::vector<std::string> shown(const std::vector<ExternName>& names) {
  std::vector<std::string> texts;
  for (const ExternName& name : names) {
    texts.push_back(name.implements.empty() ? name.name : name.name + " = " + name.implements);
  }
  return texts;
}

std::string failureOf(const Composition& composition) {
  const auto composed = compose(composition);
  return composed ? "it succeeded" : composed.error().message();
}

TEST(Compose, WhatCarriesPermissionIsImportedOncePerComponentTheRestOnce) {
  const auto composed = compose(pair());
  ASSERT_TRUE(composed) << composed.error().message();
  const auto info = inspectComponent(composed->view());
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(
      shown(info->imports),
      UnorderedElementsAre("wasi:io/error@0.2.6", "caller-environment = wasi:cli/environment@0.2.3",
                           "callee-environment = wasi:cli/environment@0.2.0",
                           "callee-bucket = acme:store/bucket@0.1.0-draft",
                           "callee-atomics = acme:store/atomics@0.1.0-draft", "callee-extra"));
  EXPECT_THAT(shown(info->exports), ElementsAre("demo:pair/frontend@0.1.0"));
}

TEST(Compose, InterfacesBehindLabelsCount) {
  const auto composed = compose(pair());
  ASSERT_TRUE(composed) << composed.error().message();
  const auto info = inspectComponent(composed->view());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->wasi, WasiLevel::kP2);
  for (const ExternName& import : info->imports) {
    if (import.name != "callee-environment") continue;
    EXPECT_EQ(import.parts.interface, "wasi:cli/environment");
    EXPECT_EQ(import.parts.version, "0.2.0");
  }
}

TEST(Compose, IsDeterministic) {
  const auto first = compose(pair());
  const auto second = compose(pair());
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(std::ranges::equal(first->view(), second->view()));
}

TEST(Compose, ResultsCanBeComposedAgain) {
  const auto first = compose(pair());
  ASSERT_TRUE(first) << first.error().message();
  Composition again;
  again.parts = {partOf("user", binary(R"((component
    (import "demo:pair/frontend@0.1.0" (instance $f (export "total" (func (result u32)))))
    (export "demo:pair/frontend@0.1.0" (instance $f))))")),
                 partOf("pair", *first)};
  again.links = {{0, "demo:pair/frontend@0.1.0", 1, "demo:pair/frontend@0.1.0"}};
  again.labels = labelsFor(again);
  const auto composed = compose(again);
  ASSERT_TRUE(composed) << composed.error().message();
  EXPECT_THAT(shown(partOf("", *composed).info.imports),
              testing::Contains("pair-environment-x2 = wasi:cli/environment@0.2.0"));
}

TEST(Compose, AWrongShapeNamesBothComponentsAndTheInterface) {
  const std::string other(kCaller);
  std::string wrong = other;
  const std::string_view was = R"((param "a" u32) (param "b" u32) (result u32))";
  wrong.replace(wrong.find(was), was.size(), R"((param "a" u32) (param "b" string) (result u32))");
  const std::string_view lowered = "(canon lower (func $backend \"add\"))";
  wrong.replace(wrong.find(lowered), lowered.size(),
                "(canon lower (func $backend \"add\") (memory $l \"mem\"))");
  const std::string_view add = "(core func $add";
  wrong.replace(wrong.find(add), 0,
                "(core module $lm (memory (export \"mem\") 1)) (core instance $l (instantiate $lm))"
                " ");
  const std::string_view core = "(import \"\" \"add\" (func $add (param i32 i32)";
  wrong.replace(wrong.find(core), core.size(),
                "(import \"\" \"add\" (func $add (param i32 i32 i32)");
  const std::string_view use = "(i32.const 2)";
  wrong.replace(wrong.find(use), use.size(), "(i32.const 2) (i32.const 3)");
  EXPECT_THAT(failureOf(pair(wrong)),
              AllOf(HasSubstr("component \"caller\" imports demo:pair/backend@0.1.0"),
                    HasSubstr("component \"callee\" exports as demo:pair/backend@0.1.2")));
}

TEST(Compose, WhatIsNotThereIsNamed) {
  Composition missing = pair();
  missing.links[0].export_name = "demo:pair/other@1.0.0";
  EXPECT_EQ(failureOf(missing), "component \"callee\" does not export demo:pair/other@1.0.0");
  missing = pair();
  missing.links[0].import_name = "demo:pair/other@1.0.0";
  EXPECT_EQ(failureOf(missing), "component \"caller\" does not import demo:pair/other@1.0.0");
}

TEST(Compose, CyclesAreRefused) {
  constexpr std::string_view kEcho = R"((component
    (import "demo:a/i" (instance $i (export "f" (func))))
    (export "demo:a/i" (instance $i))))";
  Composition cycle;
  cycle.parts = {partOf("one", binary(kEcho)), partOf("two", binary(kEcho))};
  cycle.links = {{0, "demo:a/i", 1, "demo:a/i"}, {1, "demo:a/i", 0, "demo:a/i"}};
  EXPECT_THAT(failureOf(cycle), HasSubstr("cycle of imports"));
}

TEST(Compose, SharedImportsThatDifferAreNamed) {
  constexpr std::string_view kOne = R"((component
    (import "wasi:io/error@0.2.0" (instance (export "f" (func (param "x" u32)))))))";
  constexpr std::string_view kTwo = R"((component
    (import "wasi:io/error@0.2.0" (instance (export "f" (func (param "x" string)))))))";
  Composition differing;
  differing.parts = {partOf("one", binary(kOne)), partOf("two", binary(kTwo))};
  EXPECT_THAT(failureOf(differing), AllOf(HasSubstr("component \"one\""), HasSubstr("\"two\""),
                                          HasSubstr("wasi:io/error@0.2.0")));
}

TEST(Compose, PartsMustBeComponents) {
  Composition broken = pair();
  broken.parts[1].wasm = Bytes::copyOf("hello");
  EXPECT_EQ(failureOf(broken), "component \"callee\": not a WebAssembly binary");
  broken.parts[1].wasm = binary("(module)");
  EXPECT_EQ(failureOf(broken), "component \"callee\": not a component");
}

TEST(Labels, AreWordsOfWitAndUnique) {
  Composition two;
  two.parts.resize(2);
  two.parts[0].name = "2-web--a";
  two.parts[1].name = "n2-web-a";
  const auto import = [](std::string name) {
    InterfaceName parts = parseInterfaceName(name);
    return ExternName{std::move(name), "instance", std::move(parts), ""};
  };
  two.parts[0].info.imports = {import("wasi:cli/stdout@0.2.0"), import("wasi:cli/stdout@0.3.0"),
                               import("wasi:io/streams@0.2.0")};
  two.parts[1].info.imports = {import("wasi:cli/stdout@0.2.0")};
  std::vector<std::string> labels;
  for (const Composition::Label& label : labelsFor(two)) labels.push_back(label.label);
  EXPECT_THAT(labels, ElementsAre("n2-web-a-stdout", "n2-web-a-stdout-x2", "n2-web-a-stdout-x3"));
}

}  // namespace
}  // namespace nimbus::wit
