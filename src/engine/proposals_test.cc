#include "engine/proposals.h"

#include <fmt/format.h>

#include "engine/command_call.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

constexpr Proposals kWide = {.wide_arithmetic = true};
constexpr Proposals kMaps = {.component_model_map = true};

// -1 times 2, of 128 bits without a sign, is 2^65 - 2: its halves are -2 and 1.
constexpr std::string_view kMultiplies =
    "(i64.ne (i64.add (i64.mul_wide_u (i64.const -1) (i64.const 2))) (i64.const -1))";

Bytes wat(const std::string& text) {
  auto wasm = wit::watToWasm(text);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return wasm ? *std::move(wasm) : Bytes();
}

Bytes multiplyingCommand() { return commandGuest(kMultiplies); }

// With enough code to be in parts when it is edited.
Bytes largeMultiplyingCommand() {
  std::string functions;
  for (int function = 0; function < 300; ++function) {
    functions += fmt::format("(func $f{} (param i64) (result i64) local.get 0", function);
    for (int step = 0; step < 20; ++step)
      functions += fmt::format(" i64.const {} i64.mul_wide_s i64.xor", function * 20 + step);
    functions += fmt::format(" i64.const {} i64.const 0 i64.const 1 i64.add128 i64.xor)", function);
  }
  return wat(fmt::format(R"((component
    (core module $m (memory (export "memory") 1)
      (func (export "run") (result i32) (drop (call $f0 (i64.const 3))) {})
      {})
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))",
                         kMultiplies, functions));
}

// Exports test:maps/api, whose function gives back the first value of a map and how many there are.
constexpr std::string_view kCallee = R"(
  (core module $m (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "sum") (param i32 i32) (result i32)
      (i32.add (i32.load offset=4 (local.get 0)) (local.get 1))))
  (core instance $i (instantiate $m))
  (type $map (map u32 u32))
  (func $sum (param "entries" $map) (result u32)
    (canon lift (core func $i "sum") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $api (export "sum" (func $sum)))
  (export "test:maps/api" (instance $api)))";

// A command that calls it with a map of 1 to 41.
constexpr std::string_view kCaller = R"(
  (import "test:maps/api" (instance $api
    (type $map (map u32 u32))
    (export "sum" (func (param "entries" $map) (result u32)))))
  (core module $data (memory (export "memory") 1) (data (i32.const 16) "\01\00\00\00\29"))
  (core instance $memory (instantiate $data))
  (core func $sum (canon lower (func $api "sum") (memory $memory "memory")))
  (core module $m (import "" "sum" (func $sum (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (i32.ne (call $sum (i32.const 16) (i32.const 1)) (i32.const 42))))
  (core instance $i (instantiate $m (with "" (instance (export "sum" (func $sum))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))";

Bytes component(std::string_view content) { return wat(fmt::format("(component {})", content)); }

Bytes mappingCommand() {
  return component(fmt::format(R"(
    (component $callee {})
    (component $caller {})
    (instance $callee (instantiate $callee))
    (instance $caller (instantiate $caller
      (with "test:maps/api" (instance $callee "test:maps/api"))))
    (export "wasi:cli/run@0.2.0" (instance $caller "wasi:cli/run@0.2.0")))",
                               kCallee, kCaller));
}

wit::Composition mappingComposition() {
  wit::Composition composition;
  for (const auto& [name, content] : {std::pair("caller", kCaller), std::pair("callee", kCallee)}) {
    const Bytes wasm = component(content);
    auto info = wit::inspectComponent(wasm.view());
    EXPECT_TRUE(info) << info.error().describe();
    composition.parts.push_back({name, wasm, info.value_or(wit::ComponentInfo()), ""});
  }
  composition.links = {{0, "test:maps/api", 1, "test:maps/api"}};
  return composition;
}

// True: the editing engine.
class ProposalsTest : public GuestTest, public testing::WithParamInterface<bool> {
 protected:
  void startWith(Proposals proposals, const std::string& cache_folder = {}) {
    EngineOptions options = smallEngine();
    options.proposals = proposals;
    options.cache_folder = cache_folder;
    if (GetParam()) options.compile = EngineOptions::Compile::kForEditing;
    startEngine(std::move(options));
  }
  template <typename Source>
  void expectRuns(const Source& source, std::size_t slots = 1) {
    const auto component = engine_->load(source);
    ASSERT_TRUE(component) << component.error().describe();
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      std::vector<std::unique_ptr<GuestContext>> parts;
      for (std::size_t i = 0; i < slots; ++i) parts.push_back(makeContext(shard));
      const auto context = *GuestContext::join(parts);
      CommandCall call(poller, *component, *context);
      const CallOutcome ended = co_await call.run();
      EXPECT_EQ(ended.kind, CallOutcome::Kind::kOk) << ended.message;
    });
  }
  void expectNeeds(const Bytes& wasm, std::string_view proposal) {
    const auto loaded = engine_->load(wasm.view());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(loaded.error().describe().contains(
        fmt::format("it needs the proposal {}, which can be switched on", proposal)))
        << loaded.error().describe();
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, ProposalsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Editing" : "Running"; });

TEST_P(ProposalsTest, WideArithmeticRunsWhereItIsOn) {
  startWith(kWide);
  expectRuns(multiplyingCommand().view());
  expectRuns(largeMultiplyingCommand().view());
}

TEST_P(ProposalsTest, WideArithmeticIsRefusedElsewhereByName) {
  startWith(kMaps);
  expectNeeds(multiplyingCommand(), "wide-arithmetic");
  expectNeeds(largeMultiplyingCommand(), "wide-arithmetic");
}

TEST_P(ProposalsTest, MapsPassBetweenComponentsWhereTheyAreOn) {
  startWith(kMaps);
  expectRuns(mappingCommand().view());
  expectRuns(mappingComposition(), 2);
}

TEST_P(ProposalsTest, MapsAreRefusedElsewhereByName) {
  startWith(kWide);
  expectNeeds(mappingCommand(), "component-model-map");
}

TEST_P(ProposalsTest, MapsDoNotLeaveTheComponent) {
  startWith(kMaps);
  const auto loaded = engine_->load(component(kCaller).view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(loaded.error().describe().contains("a map cannot cross"))
      << loaded.error().describe();
}

TEST_P(ProposalsTest, EnginesWithOthersTakeNoCodeOfThis) {
  const TemporaryFolder folder;
  const Bytes wasm = multiplyingCommand();
  startWith(kWide, folder.path("code"));
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_TRUE(engine_->cachedCodeBytes(wasm.view()));
  startWith({}, folder.path("code"));
  EXPECT_FALSE(engine_->cachedCodeBytes(wasm.view()));
  expectNeeds(wasm, "wide-arithmetic");
  startWith(kWide | kMaps, folder.path("code"));
  EXPECT_FALSE(engine_->cachedCodeBytes(wasm.view()));
  expectRuns(wasm.view());
}

// Of the proposal threads.
TEST_P(ProposalsTest, AtomicInstructionsAreAlwaysOnAndMemoriesAreNotShared) {
  startWith({});
  expectRuns(commandGuest("(i32.atomic.rmw.add (i32.const 4096) (i32.const 1))").view());
  startWith(kWide | kMaps);
  const auto loaded = engine_->load(wat(R"((component
        (core module $m (memory 1 2 shared) (func (export "run") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command))))")
                                        .view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(loaded.error().message().starts_with("the component has a shared memory"))
      << loaded.error().message();
}

TEST(ProposalNamesTest, NamesSwitchOnWhatIsNotAlwaysOn) {
  EXPECT_EQ(proposalNamed("wide-arithmetic"), kWide);
  EXPECT_EQ(proposalNamed(" Component_Model_Map"), kMaps);
  for (const std::string_view always :
       {"component-model-async", "exception-handling", "gc", "tail-call", "threads"})
    EXPECT_EQ(proposalNamed(always), Proposals{}) << always;
  EXPECT_EQ(kWide | kMaps, (Proposals{true, true}));
  EXPECT_EQ(proposalNamed("simd").error().message(),
            "\"simd\" is no proposal that is known here; there are component-model-async, "
            "component-model-map, exception-handling, gc, tail-call, threads, wide-arithmetic");
}

}  // namespace
}  // namespace nimbus::engine
