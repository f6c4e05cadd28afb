#include "engine/engine.h"

#include <malloc.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

using EngineTest = GuestTest;

Bytes wat(std::string_view text) { return wit::watToWasm(text).value(); }

// Made anew by every put.
ino_t inodeOf(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_ino;
}

std::size_t allocatedBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_F(EngineTest, LoadsAComponentAndSaysWhatItIs) {
  startEngine();
  const Bytes wasm = countingGuest();
  const auto component = load(wasm);
  ASSERT_NE(component, nullptr);
  EXPECT_EQ(component->kind(), ComponentKind::kHttpP2);
  EXPECT_EQ(component->digest(), sha256(wasm.view()));
  EXPECT_EQ(component->needs().memories, 1);
  EXPECT_GT(component->needs().code_bytes, 0);
  EXPECT_EQ(load(commandGuest("(i32.const 0)"))->kind(), ComponentKind::kCommandP2);
  EXPECT_TRUE(engineVersion().starts_with("wasmtime "));
}

TEST_F(EngineTest, TheSameBytesAreOneComponentAsLongAsSomebodyUsesIt) {
  startEngine();
  auto first = load(countingGuest());
  EXPECT_EQ(load(countingGuest()), first);
  EXPECT_EQ(engine_->loadedComponents(), 1);
  const auto other = load(spinningGuest());
  EXPECT_NE(other, first);
  EXPECT_EQ(engine_->loadedComponents(), 2);
  first.reset();
  EXPECT_EQ(engine_->loadedComponents(), 1) << "nobody uses the first any more";
}

TEST_F(EngineTest, ThreadsThatAskAtOnceShareOneCompilation) {
  startEngine();
  const Bytes wasm = countingGuest();
  std::vector<std::shared_ptr<const Component>> loaded(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : loaded) threads.emplace_back([&] { mine = load(wasm); });
  }
  for (const auto& each : loaded) EXPECT_EQ(each, loaded.front());
}

TEST_F(EngineTest, LoadsInTheBackgroundWhileTheShardGoesOn) {
  startEngine();
  run([&](net::Shard& shard) -> Task<void> {
    auto loaded = co_await engine_->loadInBackground(shard, countingGuest());
    EXPECT_TRUE(shard.onThread());
    EXPECT_TRUE(loaded) << loaded.error().describe();
  });
}

TEST_F(EngineTest, NobodyNeedWaitForABackgroundLoad) {
  startEngine();
  run([&](net::Shard& shard) -> Task<void> {
    {
      auto given_up = engine_->loadInBackground(shard, countingGuest());
      EXPECT_FALSE(given_up.start());
    }
    co_await settle(shard);
  });
  group_.reset();   // the shard goes while the work may still run
  engine_.reset();  // waits for it
}

TEST_F(EngineTest, WhatIsNoComponentIsRefused) {
  startEngine();
  for (const std::string_view text : {"", "hello", "\0asm"}) {
    const auto loaded = engine_->load(asBytes(text));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), ErrorCode::kInvalidArgument) << loaded.error().describe();
  }
  std::string cut(countingGuest().text());
  cut.resize(cut.size() / 2);
  EXPECT_EQ(engine_->load(asBytes(cut)).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(EngineTest, AComponentThatExportsNothingIsUnsupported) {
  startEngine();
  const auto loaded =
      engine_->load(wat("(component (core module $m (func (export \"f\"))))").view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
}

TEST_F(EngineTest, AnImportOfNobodysIsNamed) {
  startEngine();
  const auto loaded = engine_->load(wat(R"((component
    (import "demo:nope/thing" (instance (export "do" (func (result u32)))))
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))")
                                        .view());
  ASSERT_TRUE(loaded) << loaded.error().describe();
  ASSERT_EQ((*loaded)->imports().size(), 1U);
  EXPECT_EQ((*loaded)->imports()[0].name, "demo:nope/thing");
  ASSERT_EQ((*loaded)->imports()[0].functions.size(), 1U);
  EXPECT_EQ((*loaded)->imports()[0].functions[0].wire_name, "do");
}

TEST_F(EngineTest, AnInterfaceOfWasiThatTheEngineHasNotIsNamed) {
  startEngine();
  const auto loaded = engine_->load(wat(R"((component
    (import "wasi:io/nope@0.2.0" (instance (export "do" (func (result u32)))))
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))")
                                        .view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(loaded.error().message().find("wasi:io/nope"), std::string::npos)
      << loaded.error().message();
}

// A handler that takes and returns what is said here, in WAT.
Bytes handlerOf(std::string_view type) {
  return wat(R"((component
    (import "wasi:http/types@0.2.0" (instance $types
      (export "incoming-request" (type (sub resource)))
      (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $outparam))
    (type $deep (list (list (list (list (list (list u8)))))))
    (core module $module
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "nothing"))
      (func (export "one") (param i32))
      (func (export "pair") (param i32 i32))
      (func (export "answer") (param i32 i32) (result i32) (i32.const 0)))
    (core instance $instance (instantiate $module))
    (func $handle )" +
             std::string(type) + R"()
    (instance $handler (export "handle" (func $handle)))
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler))))");
}

TEST_F(EngineTest, AnExportOfAnotherTypeThanTheHostCallsIsRefused) {
  startEngine();
  const auto typed = [](std::string_view type, std::string_view function) {
    return fmt::format(R"({} (canon lift (core func $instance "{}")
      (memory $instance "memory") (realloc (func $instance "realloc"))))",
                       type, function);
  };
  constexpr std::string_view kRight = R"((param "a" (own $request)) (param "b" (own $outparam)))";
  EXPECT_TRUE(engine_->load(handlerOf(typed(kRight, "pair")).view()));

  const std::vector<std::pair<std::string, std::string_view>> wrong = {
      {typed("", "nothing"), "func()"},
      {typed(R"((param "a" (own $request)))", "one"), "func(incoming-request)"},
      {typed(R"((param "a" (own $outparam)) (param "b" (own $request)))", "pair"),
       "func(response-outparam, incoming-request)"},
      {typed(R"((param "a" (borrow $request)) (param "b" (own $outparam)))", "pair"),
       "func(borrow<incoming-request>, response-outparam)"},
      {typed(std::string(kRight) + " (result u32)", "answer"),
       "func(incoming-request, response-outparam) -> u32"},
      {typed(R"((param "a" $deep))", "pair"), "func(list<list<list<list<...>>>>)"},
  };
  for (const auto& [handler, type] : wrong) {
    const auto loaded = engine_->load(handlerOf(handler).view());
    ASSERT_FALSE(loaded) << type;
    EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(loaded.error().message(),
              fmt::format("\"handle\" of the exported wasi:http/incoming-handler@0.2.0 has the "
                          "wrong type: it is {} and must be func(incoming-request, "
                          "response-outparam)",
                          type));
  }
}

TEST_F(EngineTest, AnExportWithoutTheFunctionThatTheHostCallsIsRefused) {
  startEngine();
  const auto loaded = engine_->load(
      wat(R"((component (instance $i) (export "wasi:cli/run@0.2.3" (instance $i))))").view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(loaded.error().message(), "the exported wasi:cli/run@0.2.3 has no function \"run\"");
}

TEST_F(EngineTest, AMemoryOf64BitsWithAnImportIsRefused) {
  startEngine();
  const Bytes guest = wat(R"((component
    (import "demo:text/source" (instance $source (export "next" (func (result string)))))
    (core module $memory_module
      (memory (export "memory") i64 1)
      (func (export "realloc") (param i64 i64 i64 i64) (result i64) unreachable))
    (core instance $memory (instantiate $memory_module))
    (core func $next (canon lower (func $source "next")
      (memory $memory "memory") (realloc (func $memory "realloc"))))
    (core module $module
      (import "source" "next" (func (param i64)))
      (func (export "run") (result i32) (i32.const 0)))
    (core instance $instance (instantiate $module
      (with "source" (instance (export "next" (func $next))))))
    (func $run (result (result)) (canon lift (core func $instance "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))");
  const auto loaded = engine_->load(guest.view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(loaded.error().describe().contains("64")) << loaded.error().describe();
}

// Where a component like this is inside, calls may cross between components.
constexpr std::string_view kCallingComponent =
    R"((component (import "f" (func $f)) (core func (canon lower (func $f)))))";

// A command beside a module and a component that nobody instantiates.
Bytes commandBeside(std::string_view module, std::string_view component = {}) {
  return wat(fmt::format(R"((component
    (core module {}) {}
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))))",
                         module, component));
}

TEST_F(EngineTest, KeepsNothingOfWhatCompilingTook) {
  startEngine();
  EXPECT_NE(load(countingGuest()), nullptr);  // the engine is there
  std::string functions;
  for (int function = 0; function < 500; ++function) {
    functions += "(func (param i64) (result i64) local.get 0";
    for (int step = 0; step < 200; ++step) {
      functions += fmt::format(" i64.const {} i64.add local.get 0 i64.mul", function + step);
    }
    functions += ")";
  }
  const Bytes wasm = commandBeside(functions, kCallingComponent);
  functions = {};
  const std::size_t before = allocatedBytes();
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_LT(allocatedBytes(), before + (4 << 20));
}

TEST_F(EngineTest, AMemoryThatNoInstanceCanHaveIsRefused) {
  EngineOptions options = smallEngine();
  options.max_memory_bytes = 1 << 20;
  startEngine(options);
  EXPECT_TRUE(engine_->load(commandBeside("(memory 16)").view()));
  const auto loaded = engine_->load(commandBeside("(memory 1) (memory 32)").view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(loaded.error().message(),
            "the component has a memory of 2 MiB from its start on, and an instance has at most "
            "1 MiB here (memoryPerInstanceMb)");
}

TEST_F(EngineTest, AFailedLoadIsForgotten) {
  startEngine();
  EXPECT_FALSE(engine_->load(asBytes("hello")));
  EXPECT_EQ(engine_->loadedComponents(), 0);
  EXPECT_FALSE(engine_->load(asBytes("hello"))) << "and fails again";
}

class CachedEngineTest : public EngineTest {
 protected:
  [[nodiscard]] EngineOptions cached() const {
    EngineOptions options = smallEngine();
    options.cache_folder = folder_.path("code");
    return options;
  }
  [[nodiscard]] std::string onlyFile() const {
    const auto files = filesIn(folder_.path("code"));
    EXPECT_EQ(files.size(), 1);
    return folder_.path("code/" + files.front());
  }
  TemporaryFolder folder_;
};

TEST_F(CachedEngineTest, AnotherProcessMapsWhatOneHasCompiled) {
  const Bytes wasm = countingGuest();
  startEngine(cached());
  EXPECT_FALSE(engine_->cachedCodeBytes(wasm.view()));
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_GT(engine_->cachedCodeBytes(wasm.view()).value_or(0), 0);
  const ino_t compiled = inodeOf(onlyFile());

  startEngine(cached());
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_EQ(inodeOf(onlyFile()), compiled) << "not compiled again";
}

TEST_F(CachedEngineTest, DamagedCodeIsCompiledAgain) {
  const Bytes wasm = countingGuest();
  startEngine(cached());
  EXPECT_NE(load(wasm), nullptr);
  {
    std::fstream file(onlyFile(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put('\x7f').put('\x7f').put('\x7f');
  }
  startEngine(cached());
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_TRUE(engine_->cachedCodeBytes(wasm.view())) << "and kept again";
}

TEST_F(CachedEngineTest, CodeThatTheEngineDoesNotTakeIsNotKept) {
  startEngine(cached());
  const auto loaded = engine_->load(commandBeside("(table 200000 funcref)").view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(loaded.error().describe().contains("table")) << loaded.error().describe();
  EXPECT_TRUE(filesIn(folder_.path("code")).empty());
}

TEST_F(CachedEngineTest, TheTwoEnginesKeepTheirCodeApart) {
  const Bytes wasm = countingGuest();
  startEngine(cached());
  EXPECT_NE(load(wasm), nullptr);
  EngineOptions full = cached();
  full.selection = EngineOptions::Selection::kAlwaysFull;
  startEngine(full);
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_EQ(filesIn(folder_.path("code")).size(), 2);
}

TEST_F(CachedEngineTest, CodeForEditingIsThatForRunningUnlessCallsAreInlined) {
  const Bytes plain = countingGuest();
  const Bytes wasm = commandBeside("", kCallingComponent);
  startEngine(cached());
  EXPECT_NE(load(plain), nullptr);
  EXPECT_NE(load(wasm), nullptr);
  EngineOptions editing = cached();
  editing.compile = EngineOptions::Compile::kForEditing;
  startEngine(editing);
  EXPECT_TRUE(engine_->cachedCodeBytes(plain.view()));
  EXPECT_FALSE(engine_->cachedCodeBytes(wasm.view()));
  EXPECT_NE(load(wasm), nullptr);
  EXPECT_EQ(filesIn(folder_.path("code")).size(), 3);
}

TEST_F(CachedEngineTest, AFolderThatOthersCanEnterIsRefused) {
  std::filesystem::create_directories(folder_.path("code"));
  ::chmod(folder_.path("code").c_str(), 0755);
  const auto started = Engine::create(cached(), *log_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::kPermissionDenied);
}

// Holds whoever warns, once.
class HoldingLogger final : public Logger {
 public:
  std::binary_semaphore warned{0};
  std::binary_semaphore go_on{0};

  [[nodiscard]] bool enabled(LogLevel level) const override { return level >= LogLevel::kWarn; }
  void write(LogLevel /*level*/, std::string_view /*message*/,
             std::initializer_list<LogField> /*fields*/) override {
    if (std::exchange(has_warned_, true)) return;
    warned.release();
    go_on.acquire();
  }

 private:
  bool has_warned_ = false;
};

// An engine with one thread that compiles, and code of a component that was damaged: who loads that
// stands still while it has it to itself.
class StandingEngineTest : public CachedEngineTest {
 protected:
  using Found = Result<std::shared_ptr<const Component>>;

  void keepCode(const Bytes& wasm) {
    startEngine(cached());
    EXPECT_NE(load(wasm), nullptr);
  }
  void startToStand(const Bytes& damaged) {
    keepCode(damaged);
    engine_.reset();
    for (const std::string& name : filesIn(folder_.path("code")))
      if (name.starts_with(toHex(sha256(damaged.view()))))
        std::ofstream(folder_.path("code/" + name)) << "damaged";
    auto holding = std::make_unique<HoldingLogger>();
    logger_ = holding.get();
    log_ = std::move(holding);
    startEngine(cached());
  }
  [[nodiscard]] Task<Found> find(net::Shard& shard, Bytes wasm) {
    return engine_->loadInBackground(shard, std::move(wasm), std::nullopt,
                                     Engine::IfMissing::kLeave);
  }
  static Task<void> keep(Task<Found> task, std::optional<Found>* found) {
    *found = co_await std::move(task);
  }

  HoldingLogger* logger_ = nullptr;
};

TEST_F(StandingEngineTest, WhatIsThereIsFoundWhileOthersAreCompiled) {
  const Bytes known = countingGuest();
  const Bytes compiled = spinningGuest();
  keepCode(known);
  startToStand(compiled);
  run([&](net::Shard& shard) -> Task<void> {
    TaskSet tasks;
    std::optional<Found> made;
    tasks.spawn(keep(engine_->loadInBackground(shard, compiled), &made));
    logger_->warned.acquire();
    const auto cached = co_await find(shard, known);
    EXPECT_TRUE(cached && *cached) << "it is in the code cache";
    const auto loaded = co_await find(shard, known);
    EXPECT_EQ(loaded.value(), cached.value());
    const auto same = co_await find(shard, compiled);
    EXPECT_TRUE(same && !*same) << "it is being compiled";
    EXPECT_FALSE(made);
    logger_->go_on.release();
    co_await tasks.empty();
    EXPECT_EQ((co_await find(shard, compiled)).value(), made->value());
  });
}

TEST_F(StandingEngineTest, WhatWasGivenUpBeforeItIsBegunIsNotCompiled) {
  const Bytes unwanted = countingGuest();
  const Bytes compiled = spinningGuest();
  startToStand(compiled);
  run([&](net::Shard& shard) -> Task<void> {
    TaskSet tasks;
    std::optional<Found> made;
    tasks.spawn(keep(engine_->loadInBackground(shard, compiled), &made));
    logger_->warned.acquire();
    {
      auto given_up = engine_->loadInBackground(shard, unwanted);
      EXPECT_FALSE(given_up.start());
    }
    logger_->go_on.release();
    EXPECT_TRUE(co_await engine_->loadInBackground(shard, commandGuest("(i32.const 0)")));
    co_await tasks.empty();
    EXPECT_FALSE(engine_->cachedCodeBytes(unwanted.view()));
  });
}

TEST_F(CachedEngineTest, WhatIsLookedForIsNotCompiled) {
  startEngine(cached());
  const Bytes wasm = countingGuest();
  run([&](net::Shard& shard) -> Task<void> {
    constexpr auto kLeave = Engine::IfMissing::kLeave;
    const auto missing = co_await engine_->loadInBackground(shard, wasm, std::nullopt, kLeave);
    EXPECT_TRUE(missing && !*missing);
    EXPECT_FALSE(engine_->cachedCodeBytes(wasm.view()));
    const auto bad = co_await engine_->loadInBackground(shard, Bytes::copyOf(asBytes("hello")),
                                                        std::nullopt, kLeave);
    EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
  });
}

TEST_F(CachedEngineTest, ReadsFilesInTheBackground) {
  startEngine();
  const std::string path = folder_.path("file");
  std::ofstream(path) << "content";
  run([&](net::Shard& shard) -> Task<void> {
    const auto whole = co_await engine_->readFileInBackground(shard, path, 7);
    EXPECT_EQ(whole.value().bytes.text(), "content");
    EXPECT_EQ(whole.value().digest, sha256(asBytes("content")));
    const auto large = co_await engine_->readFileInBackground(shard, path, 6);
    EXPECT_EQ(large.error().code(), ErrorCode::kResourceExhausted);
    const auto folder = co_await engine_->readFileInBackground(shard, folder_.path(), 100);
    EXPECT_EQ(folder.error().code(), ErrorCode::kInvalidArgument);
    const auto none = co_await engine_->readFileInBackground(shard, path + "x", 100);
    EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  });
}

}  // namespace
}  // namespace nimbus::engine
