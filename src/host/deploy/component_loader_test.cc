#include "host/deploy/component_loader.h"

#include "engine/digest.h"
#include "host/test_support.h"
#include "wit/tools.h"

namespace nimbus::host {
namespace {

// A command; `padding` makes it another one.
Bytes command(std::string_view padding) {
  auto wasm = wit::watToWasm("(component (@custom \"padding\" \"" + std::string(padding) +
                             "\")"
                             R"(
    (core module $module (func (export "run") (result i32) (i32.const 0)))
    (core instance $instance (instantiate $module))
    (func $run (result (result)) (canon lift (core func $instance "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))");
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return *std::move(wasm);
}

class ComponentLoaderTest : public ShardTest {
 protected:
  ComponentLoaderTest() {
    engine::EngineOptions options;
    options.max_instances = 1;
    options.compile_threads = 1;
    engine_ = *engine::Engine::create(std::move(options), *log_);
    // Long after any file of this test was written: their stamps can be relied on.
    clock_.advance(std::chrono::system_clock::now().time_since_epoch() + std::chrono::hours(1));
  }
  void write(const Bytes& wasm) const { folder_.write("c.wasm", asText(wasm.view())); }
  [[nodiscard]] ComponentSpec spec(std::string digest = {}) const {
    ComponentSpec component;
    component.name = "c";
    component.file = folder_.path("c.wasm");
    component.digest = std::move(digest);
    return component;
  }
  // Compiles it if need be.
  static Task<Result<ComponentLoader::Loaded>> load(ComponentLoader& loader, ComponentSpec spec) {
    CO_TRY(auto code, co_await loader.load(spec, Compiling::everything()));
    co_return code.component;
  }
  static std::string digestOf(const Bytes& wasm) {
    return engine::digestText(engine::sha256(wasm.view()));
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(ComponentLoaderTest, OneFileIsOneComponent) {
  write(command("a"));
  run([this](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    const auto first = co_await load(loader, spec());
    const auto second = co_await load(loader, spec());
    EXPECT_TRUE(first && second && *first == *second);
  });
}

TEST_F(ComponentLoaderTest, AFileWithNewContentIsAnotherComponent) {
  run([this](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    std::vector<ComponentLoader::Loaded> all;
    for (const std::string_view padding : {"a", "b", "a longer one"}) {
      write(command(padding));
      const auto loaded = co_await load(loader, spec());
      EXPECT_TRUE(loaded);
      EXPECT_EQ(engine::digestText((*loaded)->digest()), digestOf(command(padding)));
      all.push_back(*loaded);  // kept: the next must not be taken for it
    }
  });
}

TEST_F(ComponentLoaderTest, TheDigestIsCheckedAlsoOfAKnownComponent) {
  write(command("a"));
  run([this](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    const auto known = co_await load(loader, spec(digestOf(command("a"))));
    EXPECT_TRUE(known);
    const auto refused = co_await load(loader, spec(digestOf(command("b"))));
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  });
}

TEST_F(ComponentLoaderTest, WhatNobodyUsesIsReadAgain) {
  write(command("a"));
  run([this](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    EXPECT_TRUE(co_await load(loader, spec()));
    EXPECT_EQ(engine_->loadedComponents(), 0U);
    std::filesystem::remove(folder_.path("c.wasm"));
    const auto gone = co_await load(loader, spec());
    EXPECT_FALSE(gone);
    if (!gone) EXPECT_EQ(gone.error().code(), ErrorCode::kNotFound);
  });
}

// By its digest, and once: the file may be another one by then.
TEST_F(ComponentLoaderTest, WhatWasReadBeforeIsNotReadAgain) {
  const auto read = std::make_shared<ReadComponents>();
  const auto put = [&](const Bytes& wasm) {
    auto inspected = engine::Engine::inspect(wasm);
    ASSERT_TRUE(inspected);
    read->put({*std::move(inspected), engine::sha256(wasm.view())});
  };
  const Bytes before = command("a");
  const Bytes now = command("b");
  write(now);
  run([&](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_, read);
    put(before);
    const auto loaded = co_await load(loader, spec(digestOf(before)));
    EXPECT_TRUE(loaded);
    EXPECT_EQ(engine::digestText((*loaded)->digest()), digestOf(before));
    EXPECT_FALSE(co_await load(loader, spec(digestOf(before)))) << "the file is read";
    const auto file = co_await load(loader, spec(digestOf(now)));
    EXPECT_TRUE(file);
    put(before);
    EXPECT_EQ((co_await loader.read(spec(digestOf(before))))->component.wasm, before);
    EXPECT_FALSE(co_await loader.read(spec(digestOf(before))));
    put(before);
    read->clear();
    EXPECT_FALSE(co_await loader.read(spec(digestOf(before))));
  });
}

TEST_F(ComponentLoaderTest, WhatMayNotBeCompiledIsFoundIfItIsLoaded) {
  const Bytes wasm = command("a");
  write(wasm);
  run([&](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    const engine::Sha256 key = engine::sha256(wasm.view());
    const ComponentSpec component = spec();
    const auto missing = co_await loader.load(component, Compiling::nothing());
    EXPECT_TRUE(missing && missing->key == key && !missing->component);
    const auto other = co_await loader.load(component, Compiling::only({}));
    EXPECT_TRUE(other && !other->component);
    const auto compiled = co_await loader.load(component, Compiling::only(key));
    EXPECT_TRUE(compiled && compiled->component);
    const auto found = co_await loader.load(component, Compiling::nothing());
    EXPECT_TRUE(found && found->component == compiled->component);
  });
}

TEST_F(ComponentLoaderTest, SaysWhichComponentIsWrong) {
  write(Bytes::copyOf(asBytes("not wasm")));
  run([this](net::Shard& shard) -> Task<void> {
    ComponentLoader loader(shard, *engine_, 1 << 20, clock_);
    const auto wrong = co_await load(loader, spec());
    EXPECT_FALSE(wrong);
    if (!wrong) EXPECT_TRUE(wrong.error().describe().starts_with("component \"c\""));
  });
}

}  // namespace
}  // namespace nimbus::host
