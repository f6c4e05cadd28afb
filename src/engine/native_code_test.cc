#include "engine/native_code.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

// With more code than stays where it is, and more data than is compared.
Bytes largeComponent(char letter) {
  std::string nops;
  for (int i = 0; i < 30'000; ++i) nops += "nop ";
  auto wasm = wit::watToWasm(fmt::format(R"((component
    (core module $m (memory 40)
      (func (export "run") (result i32) {} (i32.load8_u (i32.const 16)))
      (data (i32.const 16) "{}"))
    (core instance $i (instantiate $m))
    (func $run (result u32) (canon lift (core func $i "run")))
    (instance $e (export "run" (func $run)))
    (export "test:large/api" (instance $e))))",
                                         nops, std::string(2 << 20, letter)));
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return wasm ? *std::move(wasm) : Bytes();
}

wit::Composition pairOf(const Bytes& first, const Bytes& second) {
  wit::Composition composition;
  for (const auto& [name, wasm] : {std::pair("one", first), std::pair("other", second)}) {
    auto info = wit::inspectComponent(wasm.view());
    EXPECT_TRUE(info) << info.error().describe();
    composition.parts.push_back({name, wasm, info.value_or(wit::ComponentInfo()), ""});
  }
  composition.labels = wit::labelsFor(composition);
  return composition;
}

std::size_t countBegun(const NativeCode::Source& source) {
  return std::ranges::count_if(source.modules,
                               [](const auto& module) { return module.begun.valid(); });
}

class NativeCodeTest : public testing::Test {
 protected:
  std::unique_ptr<WasmEngine> engineOf(Flavour flavour) {
    EngineOptions options;
    options.max_instances = 4;
    auto engine = WasmEngine::create(options, flavour, *budget_);
    EXPECT_TRUE(engine) << engine.error().describe();
    return engine ? *std::move(engine) : nullptr;
  }
  void expectSame(const NativeCode::Source& one, const NativeCode::Source& other) {
    EXPECT_EQ(one.wasm, other.wasm);
    EXPECT_TRUE(std::ranges::equal(one.modules, other.modules, [](const auto& a, const auto& b) {
      return a.wasm == b.wasm && a.is_data == b.is_data;
    }));
  }
  void expectLoads(const WasmEngine& engine, const NativeCode::Source& source) {
    const auto loaded = code_.load(engine, source, sha256(source.wasm.view()));
    ASSERT_TRUE(loaded) << loaded.error().describe();
    EXPECT_EQ(loaded->modules.size(), source.modules.size());
    for (const auto& module : loaded->modules) EXPECT_NE(module, nullptr);
  }

  BudgetHandle budget_{nimbus_budget_new(1 << 30)};
  std::unique_ptr<WasmEngine> engine_ = engineOf({});
  const std::unique_ptr<Logger> log_ = makeNullLogger();
  NativeCode code_{*log_};
};

TEST_F(NativeCodeTest, TheSecondOfANameIsTakenApartBeforehand) {
  const Bytes first = largeComponent('a');
  code_.begin(*engine_, "app.wasm", first);
  const auto of_first = code_.split(first.view());
  ASSERT_TRUE(of_first);
  EXPECT_EQ(countBegun(*of_first), 0) << "nobody knows yet how";
  const Bytes second = largeComponent('b');
  code_.begin(*engine_, "app.wasm", second);
  const Bytes copy = Bytes::copyOf(second.view());
  const auto of_copy = code_.split(copy.view());
  const auto of_second = code_.split(second.view());
  ASSERT_TRUE(of_copy && of_second);
  EXPECT_EQ(countBegun(*of_copy), 0) << "it lies somewhere else";
  EXPECT_EQ(countBegun(*of_second), 1);
  expectSame(*of_copy, *of_second);
  EXPECT_NE(of_first->modules.front().wasm, of_second->modules.front().wasm);
  expectLoads(*engine_, *of_second);
  const auto again = code_.split(second.view());
  ASSERT_TRUE(again);
  EXPECT_EQ(countBegun(*again), 0) << "whoever takes it has it";
  expectSame(*again, *of_second);
}

TEST_F(NativeCodeTest, WhatIsComposedNowAndWasNotBeforeIsTakenApartAnew) {
  const Bytes front = largeComponent('f');
  std::size_t begun = 0;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    const Bytes edited = largeComponent(letter);
    code_.begin(*engine_, "app.wasm", edited);
    // As the others were: alone, then composed.
    const bool composed = letter >= 'b';
    const auto source = composed ? code_.split(pairOf(front, edited)) : code_.split(edited.view());
    ASSERT_TRUE(source);
    EXPECT_EQ(countBegun(*source), letter >= 'c' ? 1 : 0) << letter;
    begun += countBegun(*source);
    const Bytes copy = Bytes::copyOf(edited.view());
    const auto expected = composed ? code_.split(pairOf(front, copy)) : code_.split(copy.view());
    ASSERT_TRUE(expected);
    expectSame(*expected, *source);
    expectLoads(*engine_, *source);
  }
  EXPECT_EQ(begun, 2);
}

TEST_F(NativeCodeTest, WhatWasBegunForAnotherEngineIsLoadedForTheRightOne) {
  const auto other = engineOf({.concurrent = true});
  NativeCode code(*log_);
  for (const char letter : {'a', 'b'}) {
    const Bytes wasm = largeComponent(letter);
    code.begin(*other, "app.wasm", wasm);
    const auto source = code.split(wasm.view());
    ASSERT_TRUE(source);
    EXPECT_EQ(countBegun(*source), letter == 'b' ? 1 : 0);
    expectLoads(*engine_, *source);
    expectLoads(*other, *source);
  }
}

TEST_F(NativeCodeTest, WhatNobodyAsksForAndWhatIsNoComponentHarmNothing) {
  const Bytes text = Bytes::copyOf(std::string(2 << 20, 'x'));
  const Bytes wasm = largeComponent('a');
  for (int i = 0; i < 40; ++i) {
    code_.begin(*engine_, fmt::format("{}.wasm", i), wasm);
    code_.begin(*engine_, fmt::format("{}.wasm", i), text);
    EXPECT_FALSE(code_.split(text.view()));
    code_.begin(*engine_, fmt::format("{}.wasm", i), text);
  }
  const auto source = code_.split(wasm.view());
  ASSERT_TRUE(source);
  EXPECT_EQ(countBegun(*source), 0);
}

}  // namespace
}  // namespace nimbus::engine
