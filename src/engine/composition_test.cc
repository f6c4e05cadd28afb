#include "engine/composition.h"

#include <gmock/gmock.h>

#include "engine/command_call.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

using Kind = CallOutcome::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

wit::Composition::Part partOf(std::string name, Bytes wasm) {
  auto info = wit::inspectComponent(wasm.view());
  return {std::move(name), std::move(wasm), *std::move(info), ""};
}

wit::Composition composedOf(Bytes caller, Bytes callee) {
  wit::Composition composition;
  composition.parts = {partOf("front", std::move(caller)), partOf("back", std::move(callee))};
  composition.links = {{0, "test:guests/backend", 1, "test:guests/backend"}};
  composition.labels = wit::labelsFor(composition);
  return composition;
}

class CompositionTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  std::shared_ptr<const Component> loaded(const wit::Composition& composition) {
    auto component = engine_->load(composition);
    EXPECT_TRUE(component) << component.error().describe();
    return component ? *component : nullptr;
  }

  CallOutcome call(const std::shared_ptr<const Component>& component,
                   std::vector<std::shared_ptr<FakeGuestHost>> hosts) {
    CallOutcome ended;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      std::vector<std::unique_ptr<GuestContext>> parts;
      for (const auto& host : hosts) {
        parts.push_back(*GuestContext::create(shard, roomyContext(), host));
      }
      const auto context = *GuestContext::join(parts);
      parts.clear();
      CommandCall call(poller, component, *context);
      ended = co_await call.run();
    });
    return ended;
  }

  std::shared_ptr<FakeGuestHost> front_ = std::make_shared<FakeGuestHost>();
  std::shared_ptr<FakeGuestHost> back_ = std::make_shared<FakeGuestHost>();
};

TEST_F(CompositionTest, EachComponentPrintsThroughItsOwnContext) {
  const auto component = loaded(composedOf(callingGuest(), calledGuest("(call $print)")));
  ASSERT_NE(component, nullptr);
  EXPECT_EQ(component->slots(), 2);
  EXPECT_EQ(component->kind(), ComponentKind::kCommandP2);
  const auto* label = component->findLabel("back-stdout");
  ASSERT_NE(label, nullptr);
  EXPECT_EQ(label->part, 1);
  EXPECT_EQ(label->import_name, "wasi:cli/stdout@0.2.0");
  EXPECT_EQ(component->findLabel("wasi:io/streams@0.2.0"), nullptr);
  const CallOutcome outcome = call(component, {front_, back_});
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  EXPECT_THAT(front_->lines(), ElementsAre("1: caller", "1: caller"));
  EXPECT_THAT(back_->lines(), ElementsAre("1: callee"));
}

TEST_F(CompositionTest, SeesApartOnTheFullEngineToo) {
  EngineOptions options = smallEngine();
  options.selection = EngineOptions::Selection::kAlwaysFull;
  startEngine(options);
  const auto component = loaded(composedOf(callingGuest(), calledGuest("(call $print)")));
  EXPECT_EQ(call(component, {front_, back_}).kind, Kind::kOk);
  EXPECT_THAT(front_->lines(), ElementsAre("1: caller", "1: caller"));
  EXPECT_THAT(back_->lines(), ElementsAre("1: callee"));
}

TEST_F(CompositionTest, ATrapInTheCalleeEndsTheCallAndIsNamed) {
  const auto component = loaded(composedOf(callingGuest(), calledGuest("(call $fail)")));
  const CallOutcome outcome = call(component, {front_, back_});
  EXPECT_EQ(outcome.kind, Kind::kTrap);
  EXPECT_THAT(outcome.message, HasSubstr("callee!fail"));
  EXPECT_THAT(front_->lines(), ElementsAre("1: caller")) << "the caller does not go on";
}

TEST_F(CompositionTest, NeedsAContextForEachComponent) {
  const auto component = loaded(composedOf(callingGuest(), calledGuest("(call $print)")));
  const CallOutcome outcome = call(component, {front_});
  EXPECT_NE(outcome.kind, Kind::kOk);
  EXPECT_THAT(outcome.message, HasSubstr("1 contexts for 2 components"));
  EXPECT_THAT(front_->lines(), ElementsAre());
}

// Enough code to be taken out of its component.
std::string much() {
  std::string nops;
  for (int i = 0; i < 300'000; ++i) nops += "nop ";
  return nops;
}

TEST_F(CompositionTest, OfAnEditedPartOnlyWhatDiffersIsCompiled) {
  const TemporaryFolder folder;
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  options.cache_folder = folder.path("code");
  const auto files = [&] { return filesIn(folder.path("code")).size(); };
  for (const auto select :
       {EngineOptions::Selection::kByComponent, EngineOptions::Selection::kAlwaysFull}) {
    options.selection = select;
    startEngine(options);
    const std::size_t before = files();
    const auto first =
        loaded(composedOf(callingGuest(much()), calledGuest(much() + "(call $print)")));
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->needs().max_initial_memory_bytes, 2 << 16);
    EXPECT_EQ(first->slots(), 2);
    const std::size_t at_first = files();
    EXPECT_GT(at_first - before, 2) << "what is left of both, and what was taken out of them";
    const auto edited = loaded(
        composedOf(callingGuest(much()), calledGuest(much() + "(call $print) (call $print)")));
    ASSERT_NE(edited, nullptr);
    EXPECT_EQ(files(), at_first + 1);
    front_ = std::make_shared<FakeGuestHost>();
    back_ = std::make_shared<FakeGuestHost>();
    for (const auto& component : {first, edited}) {
      const CallOutcome outcome = call(component, {front_, back_});
      EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
    }
    EXPECT_EQ(front_->lines().size(), 4);
    EXPECT_THAT(back_->lines(), ElementsAre("1: callee", "1: callee", "1: callee"));
  }
}

TEST_F(CompositionTest, OneLargePartIsEnough) {
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  startEngine(options);
  for (const auto& composition :
       {composedOf(callingGuest(much()), calledGuest("(call $print)")),
        composedOf(callingGuest(), calledGuest(much() + "(call $print)"))}) {
    const auto component = loaded(composition);
    ASSERT_NE(component, nullptr);
    const CallOutcome outcome = call(component, {front_, back_});
    EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  }
  EXPECT_THAT(back_->lines(), ElementsAre("1: callee", "1: callee"));
}

TEST_F(CompositionTest, IsLoadedOnceForAllWhoAsk) {
  const auto first = loaded(composedOf(callingGuest(), calledGuest("(call $print)")));
  const auto again = loaded(composedOf(callingGuest(), calledGuest("(call $print)")));
  const auto other = loaded(composedOf(callingGuest(), calledGuest("nop")));
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  EXPECT_EQ(engine_->loadedComponents(), 2);
}

TEST_F(CompositionTest, WhatNothingProvidesIsNamedWithItsComponent) {
  EngineOptions options = smallEngine();
  const auto needy = wit::watToWasm(R"((component
    (import "wasi:io/nope@0.2.0" (instance (export "of" (func (result u32)))))
    (core module $m (func (export "ping")))
    (core instance $i (instantiate $m))
    (func $ping (canon lift (core func $i "ping")))
    (instance $e (export "ping" (func $ping)))
    (export "test:guests/backend" (instance $e))))");
  for (const auto compile :
       {EngineOptions::Compile::kForRunning, EngineOptions::Compile::kForEditing}) {
    options.compile = compile;
    startEngine(options);
    const auto component = engine_->load(composedOf(callingGuest(much()), *needy));
    ASSERT_FALSE(component);
    EXPECT_EQ(component.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(component.error().message(),
                HasSubstr("component \"back\" imports wasi:io/nope@0.2.0"));
  }
}

TEST_F(CompositionTest, AFunctionThatIsNotValidIsRefused) {
  const TemporaryFolder folder;
  EngineOptions options = smallEngine();
  options.cache_folder = folder.path("code");
  const auto broken = wit::watToWasm(R"((component
    (core module $m (func (export "ping")) (func (result i32)))
    (core instance $i (instantiate $m))
    (func $ping (canon lift (core func $i "ping")))
    (instance $e (export "ping" (func $ping)))
    (export "test:guests/backend" (instance $e))))");
  ASSERT_TRUE(broken);
  for (const auto compile :
       {EngineOptions::Compile::kForRunning, EngineOptions::Compile::kForEditing}) {
    options.compile = compile;
    startEngine(options);
    const auto component = engine_->load(composedOf(callingGuest(), *broken));
    ASSERT_FALSE(component);
    EXPECT_EQ(component.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(engine_->loadedComponents(), 0);
  }
}

TEST_F(CompositionTest, PartsAreTakenApartAloneAndBesideThoseThatStayWhole) {
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  startEngine(options);
  // A component with code inside stays as it is.
  const auto nested = wit::watToWasm(R"((component
    (component $inner
      (core module $m (func (export "ping")))
      (core instance $i (instantiate $m))
      (func $ping (canon lift (core func $i "ping")))
      (instance $e (export "ping" (func $ping)))
      (export "test:guests/backend" (instance $e)))
    (instance $of (instantiate $inner))
    (export "test:guests/backend" (instance $of "test:guests/backend"))))");
  ASSERT_TRUE(nested);
  const Bytes callee = calledGuest("(call $print)");
  const auto named = [](wit::Composition composition) {
    for (auto& part : composition.parts) part.digest = digestText(sha256(part.wasm.view()));
    return composition;
  };
  std::size_t pings = 0;
  // The caller has other modules each time, behind which those of the callee have other numbers.
  for (const std::string& before : {std::string(), much(), std::string("nop")}) {
    for (const Bytes& other : {callee, *nested, callee}) {
      const auto component = loaded(named(composedOf(callingGuest(before), other)));
      ASSERT_NE(component, nullptr);
      const CallOutcome outcome = call(component, {front_, back_});
      EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
      if (other == callee) ++pings;
    }
  }
  EXPECT_EQ(back_->lines().size(), pings);
}

TEST_F(CompositionTest, NoPartGetsWhatWasTakenOutOfAnother) {
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  startEngine(options);
  const auto curious = wit::watToWasm(R"((component
    (import "nimbus-part-m0" (core module $other))
    (core module $m (func (export "ping")))
    (core instance $i (instantiate $m))
    (func $ping (canon lift (core func $i "ping")))
    (instance $e (export "ping" (func $ping)))
    (export "test:guests/backend" (instance $e))))");
  const auto component = engine_->load(composedOf(callingGuest(much()), *curious));
  ASSERT_FALSE(component);
  EXPECT_EQ(component.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(component.error().describe(), HasSubstr("nimbus-part-m0"));
}

TEST_F(CompositionTest, EachComponentsImportsAreProvidedApart) {
  const auto needy = wit::watToWasm(R"((component
    (import "acme:shop/prices@1.0.0" (instance (export "of" (func (result u32)))))
    (core module $m (func (export "ping")))
    (core instance $i (instantiate $m))
    (func $ping (canon lift (core func $i "ping")))
    (instance $e (export "ping" (func $ping)))
    (export "test:guests/backend" (instance $e))))");
  const wit::Composition composition = composedOf(callingGuest(), *needy);
  const auto component = loaded(composition);
  ASSERT_EQ(component->imports().size(), 1U);
  const ComponentImport& import = component->imports()[0];
  EXPECT_EQ(import.interface, "acme:shop/prices@1.0.0");
  const auto label =
      std::ranges::find(composition.labels, import.name, &wit::Composition::Label::label);
  ASSERT_NE(label, composition.labels.end()) << import.name;
  EXPECT_EQ(label->part, 1U);
}

TEST(CompositionKey, DiffersWhereTheCompositionDoes) {
  wit::Composition base;
  base.parts = {{"a", Bytes::copyOf("1"), {}, ""}, {"b", Bytes::copyOf("2"), {}, ""}};
  base.links = {{0, "x", 1, "y"}};
  base.labels = {{0, "z", "a-z"}};
  EXPECT_EQ(compositionKey(base), compositionKey(base));
  const auto differs = [&](auto change) {
    wit::Composition other = base;
    change(other);
    return compositionKey(other) != compositionKey(base);
  };
  EXPECT_TRUE(differs([](auto& it) { std::swap(it.parts[0], it.parts[1]); }));
  EXPECT_TRUE(differs([](auto& it) { it.parts[0].name = "c"; }));
  EXPECT_TRUE(differs([](auto& it) { it.parts[1].wasm = Bytes::copyOf("3"); }));
  EXPECT_TRUE(differs([](auto& it) { it.parts[1].digest = "sha256:3"; }));
  EXPECT_TRUE(differs([](auto& it) { it.links[0].export_name = "w"; }));
  EXPECT_TRUE(differs([](auto& it) { it.links[0].exporter = 0; }));
  EXPECT_TRUE(differs([](auto& it) { it.labels[0].label = "b-z"; }));
  EXPECT_TRUE(differs([](auto& it) { it.labels.clear(); }));
}

}  // namespace
}  // namespace nimbus::engine
