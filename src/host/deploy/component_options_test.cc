#include "host/deploy/component_options.h"

#include <fmt/format.h>

#include "engine/engine.h"
#include "host/test_support.h"
#include "wit/tools.h"

namespace nimbus::host {
namespace {

class ComponentSizeTest : public testing::Test {
 protected:
  ComponentSizeTest() {
    engine::EngineOptions options;
    options.max_instances = 1;
    options.compile_threads = 1;
    engine_ = *engine::Engine::create(std::move(options), *log_);
  }

  // A command of these core modules, the last of which has "run".
  std::shared_ptr<const engine::Component> load(std::string_view modules) {
    auto wasm = wit::watToWasm(fmt::format(R"((component {}
      (func $run (result (result)) (canon lift (core func $last "run")))
      (instance $command (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $command))))",
                                           modules));
    EXPECT_TRUE(wasm) << wasm.error().describe();
    auto loaded = engine_->load(wasm->view());
    EXPECT_TRUE(loaded) << loaded.error().describe();
    return *loaded;
  }
  // With memories of so many pages, each in a module of its own.
  std::shared_ptr<const engine::Component> withMemories(const std::vector<int>& pages) {
    std::string modules = R"((core module $m (func (export "run") (result i32) (i32.const 0)))
      (core instance $last (instantiate $m)))";
    for (const int count : pages)
      modules += fmt::format("(core module $m{0} (memory {0})) (core instance (instantiate $m{0}))",
                             count);
    return load(modules);
  }
  static Result<void> check(const engine::Component& component, std::uint64_t limit) {
    CallPolicy policy;
    policy.max_memory_bytes = limit;
    return checkSize("component \"web\"", component, policy);
  }

  std::unique_ptr<Logger> log_ = makeNullLogger();
  std::unique_ptr<engine::Engine> engine_;
};

constexpr std::uint64_t kPage = 65536;

TEST_F(ComponentSizeTest, AMinimumAboveTheLimitIsRefusedWithBothFigures) {
  const auto component = withMemories({1024});
  EXPECT_TRUE(check(*component, 1024 * kPage));
  const auto refused = check(*component, 16 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message(),
            "component \"web\" has 64 MiB of memory from its start on, and its limit "
            "(memoryLimitMb, --max-memory) is 16 MiB");
}

TEST_F(ComponentSizeTest, SeveralMemoriesCountTogether) {
  const auto component = withMemories({160, 161});
  EXPECT_TRUE(check(*component, 321 * kPage));
  EXPECT_FALSE(check(*component, 319 * kPage));
}

TEST_F(ComponentSizeTest, WhatIsNotInstantiatedDoesNotCount) {
  const auto component = load(R"((core module $unused (memory 1024))
    (core module $m (memory 1) (func (export "run") (result i32) (i32.const 0)))
    (core instance $last (instantiate $m)))");
  EXPECT_TRUE(check(*component, kPage));
}

TEST_F(ComponentSizeTest, WithoutAMemoryThereIsNothingToRefuse) {
  EXPECT_TRUE(check(*withMemories({}), 0));
}

TEST_F(ComponentSizeTest, ATableAboveTheLimitIsRefusedWithBothFigures) {
  const auto component = load(R"((core module $other (table 10 funcref))
    (core instance (instantiate $other))
    (core module $m (table 40 funcref)
      (func (export "run") (result i32) (i32.const 0)))
    (core instance $last (instantiate $m)))");
  CallPolicy policy;
  policy.max_table_elements = 40;
  EXPECT_TRUE(checkSize("component \"web\"", *component, policy));
  policy.max_table_elements = 39;
  const auto refused = checkSize("component \"web\"", *component, policy);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "component \"web\" has a table of 40 elements from its start on, and the limit "
            "(maxTableElements) is 39");
}

}  // namespace
}  // namespace nimbus::host
