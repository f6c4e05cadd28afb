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

// Of its modules.
std::size_t loading(const NativeCode::Source& source) {
  return std::ranges::count_if(source.modules,
                               [](const auto& module) { return module.loading.valid(); });
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
    // Modules of another engine cannot be linked.
    std::vector<const NimbusCoreModule*> modules;
    for (const auto& module : loaded->modules) modules.push_back(module.get());
    NimbusLinked* linked = nimbus_linked_new(engine.raw(), loaded->component.get(),
                                             static_cast<std::int32_t>(ComponentKind::kLibrary), 1,
                                             modules.data(), modules.size());
    EXPECT_NE(linked, nullptr) << nimbus_last_error();
    if (linked != nullptr) nimbus_linked_free(linked);
  }

  BudgetHandle budget_{nimbus_budget_new(1 << 30)};
  std::unique_ptr<WasmEngine> engine_ = engineOf({});
  const std::unique_ptr<Logger> log_ = makeNullLogger();
  NativeCode code_{*log_};
};

TEST_F(NativeCodeTest, TheSecondOfANameIsTakenApartBeforehand) {
  const Bytes first = code_.expect(engine_.get(), "app.wasm", largeComponent('a'));
  const auto of_first = code_.split(first.view());
  ASSERT_TRUE(of_first);
  EXPECT_EQ(loading(*of_first), 0) << "nobody knows yet how";
  const Bytes second = code_.expect(engine_.get(), "app.wasm", largeComponent('b'));
  EXPECT_EQ(second, largeComponent('b'));
  const Bytes copy = Bytes::copyOf(second.view());
  const auto of_copy = code_.split(copy.view());
  const auto of_second = code_.split(second.view());
  ASSERT_TRUE(of_copy && of_second);
  EXPECT_EQ(loading(*of_copy), 0) << "it lies somewhere else";
  EXPECT_EQ(loading(*of_second), 1);
  expectSame(*of_copy, *of_second);
  EXPECT_NE(of_first->modules.front().wasm, of_second->modules.front().wasm);
  expectLoads(*engine_, *of_second);
  const auto again = code_.split(second.view());
  ASSERT_TRUE(again);
  EXPECT_EQ(loading(*again), 0) << "whoever takes it has it";
  expectSame(*again, *of_second);
}

TEST_F(NativeCodeTest, WhatIsComposedNowAndWasNotBeforeIsTakenApartAnew) {
  const Bytes front = largeComponent('f');
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    const Bytes edited = code_.expect(engine_.get(), "app.wasm", largeComponent(letter));
    const bool composed = letter >= 'b';
    const auto source = composed ? code_.split(pairOf(front, edited)) : code_.split(edited.view());
    ASSERT_TRUE(source);
    EXPECT_EQ(loading(*source), letter >= 'c' ? 1 : 0) << letter;
    const Bytes copy = Bytes::copyOf(edited.view());
    const auto expected = composed ? code_.split(pairOf(front, copy)) : code_.split(copy.view());
    ASSERT_TRUE(expected);
    expectSame(*expected, *source);
    expectLoads(*engine_, *source);
  }
}

TEST_F(NativeCodeTest, WhatIsBeingLoadedForAnotherEngineIsLoadedForTheRightOne) {
  const auto other = engineOf({.concurrent = true});
  for (const bool is_known : {false, true}) {
    const WasmEngine* expected = is_known ? engine_.get() : nullptr;
    for (const char letter : {'a', 'b'}) {
      const Bytes wasm = code_.expect(expected, "app.wasm", largeComponent(letter));
      const auto source = code_.split(wasm.view());
      ASSERT_TRUE(source);
      EXPECT_EQ(loading(*source), is_known ? 1 : 0);
      expectLoads(*other, *source);
      expectLoads(*engine_, *source);
    }
  }
}

TEST_F(NativeCodeTest, WhatNobodyTakesGoesWithItsMemoryOrWithTheCode) {
  Bytes last;
  NativeCode code(*log_);
  for (const char letter : {'a', 'b', 'c'}) {
    last = code.expect(engine_.get(), "app.wasm", largeComponent(letter));
    if (letter == 'a') EXPECT_TRUE(code.split(last.view()));
  }
  const auto source = code.split(last.view());
  ASSERT_TRUE(source);
  EXPECT_EQ(loading(*source), 1);
  last = code.expect(engine_.get(), "app.wasm", largeComponent('d'));
}

TEST_F(NativeCodeTest, WhatCannotBeTakenApartIsNotTriedBeforehandAgain) {
  const Bytes text = Bytes::copyOf(std::string(2 << 20, 'x'));
  for (int i = 0; i < 3; ++i) {
    const Bytes wasm = code_.expect(engine_.get(), "app.wasm", text);
    EXPECT_FALSE(code_.split(wasm.view()));
  }
  const Bytes wasm = code_.expect(engine_.get(), "app.wasm", largeComponent('a'));
  const auto source = code_.split(wasm.view());
  ASSERT_TRUE(source);
  EXPECT_EQ(loading(*source), 0);
}

}  // namespace
}  // namespace nimbus::engine
