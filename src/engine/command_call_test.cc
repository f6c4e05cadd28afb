#include "engine/command_call.h"

#include <gmock/gmock.h>

#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

using Kind = CallOutcome::Kind;

class CommandCallTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  CallOutcome runCommand(const Bytes& wasm, GuestContextOptions options = roomyContext()) {
    const auto component = load(wasm);
    CallOutcome ended;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, options);
      CommandCall call(poller, component, *context);
      ended = co_await call.run();
    });
    return ended;
  }
};

TEST_F(CommandCallTest, RunsToItsEnd) {
  const CallOutcome outcome = runCommand(commandGuest("(i32.const 0)"));
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(CommandCallTest, AFailedRunIsExitStatusOne) {
  const CallOutcome outcome = runCommand(commandGuest("(i32.const 1)"));
  EXPECT_EQ(outcome.kind, Kind::kExit);
  EXPECT_EQ(outcome.exit_code, 1);
}

TEST_F(CommandCallTest, ExitEndsItAtOnce) {
  EXPECT_EQ(runCommand(commandGuest("(call $exit (i32.const 0)) unreachable")).kind, Kind::kOk);
  const CallOutcome failed = runCommand(commandGuest("(call $exit (i32.const 1)) unreachable"));
  EXPECT_EQ(failed.kind, Kind::kExit);
  EXPECT_EQ(failed.exit_code, 1);
}

TEST_F(CommandCallTest, ATrapIsNoExit) {
  EXPECT_EQ(runCommand(commandGuest("unreachable")).kind, Kind::kTrap);
}

TEST_F(CommandCallTest, WhatTheHostHasNoMemoryForHasNotFailed) {
  const Bytes command = commandGuest("(i32.const 0)");
  GuestContextOptions small = roomyContext();
  small.max_memory_bytes = 1;
  EXPECT_EQ(runCommand(command, small).kind, Kind::kTrap) << "by its own limit it has";
  EngineOptions options = smallEngine();
  options.max_total_memory_bytes = 1;
  startEngine(options);
  const CallOutcome refused = runCommand(command);
  EXPECT_EQ(refused.kind, Kind::kResources) << refused.message;
}

TEST_F(CommandCallTest, AModuleOfPreview1IsWrapped) {
  const auto module = wit::watToWasm(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 0)))))");
  ASSERT_TRUE(module);
  const CallOutcome outcome = runCommand(*module);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(CommandCallTest, AnEditedCommandRunsItsOwnFunctions) {
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  startEngine(options);
  const std::string fails = "(call $exit (i32.const 1)) unreachable";
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(runCommand(commandGuest("(i32.const 0)")).kind, Kind::kOk);
    EXPECT_EQ(runCommand(commandGuest("(i32.const 1)")).kind, Kind::kExit);
    EXPECT_EQ(runCommand(commandGuest("unreachable")).kind, Kind::kTrap);
    EXPECT_EQ(runCommand(commandGuest(fails)).kind, Kind::kExit);
    EXPECT_EQ(engine_->loadedComponents(), 0) << "the next round compiles them again";
  }
}

// Prints what it has, and fails unless that begins with "a".
Bytes script(std::string_view data) {
  std::string much;
  for (int i = 0; i < 300'000; ++i) much += "nop ";
  return commandGuest(much + R"((call $print (i32.const 0) (i32.const 4))
    (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 97)))",
                      data);
}

TEST_F(CommandCallTest, AnEditedScriptIsCompiledOnceAndHasItsOwnData) {
  const TemporaryFolder folder;
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  options.cache_folder = folder.path("code");
  std::size_t files = 0;
  for (int process = 0; process < 2; ++process) {
    startEngine(options);
    EXPECT_EQ(load(script("abcd"))->needs().max_initial_memory_bytes, 2 << 16);
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(runCommand(script("abcd")).kind, Kind::kOk);
      if (files == 0) files = filesIn(folder.path("code")).size();
      EXPECT_EQ(runCommand(script("bcde, and some more")).kind, Kind::kExit);
    }
  }
  EXPECT_GT(files, 0);
  EXPECT_EQ(filesIn(folder.path("code")).size(), files) << "both have the same code";
  startEngine(smallEngine());
  EXPECT_EQ(runCommand(script("abcd")).kind, Kind::kOk) << "whole";
}

// Functions in chunks, which call each other directly, through a table, and to where it is.
Bytes program(std::size_t data, int edited, int expected, bool many = false) {
  constexpr int kFunctions = 150;
  std::string text = fmt::format(R"(
    (i32.ne (i32.const {}) (call_indirect (type $number) (i32.const 3))))
    (type $number (func (result i32)))
    (table 8 funcref) (elem (i32.const 2) $f0 $f{} $exit)
    (global $started (mut i32) (i32.const 0))
    (start $start) (func $start (global.set $started (i32.const 1000))))",
                                 expected, kFunctions - 1);
  constexpr int kLeaves = 80;
  std::string leaves = fmt::format("(i32.const {})", edited);
  for (int i = 0; i < kLeaves; ++i)
    leaves = fmt::format("(i32.add {} (call $leaf{}))", leaves, many ? i : 7);
  std::string nops;
  for (int i = 0; i < 2000; ++i) nops += "nop ";
  for (int i = 0; i < kFunctions; ++i) {
    // A byte of the data, and what the function before computes.
    text += fmt::format(R"((func $f{} (result i32) {} (i32.add
      (i32.load8_u (i32.const {})) (i32.add {} {}))))",
                        i, nops, 1024 + data - 2, i == 70 ? leaves : "(i32.const 0)",
                        i == 0 ? "(global.get $started)" : fmt::format("(call $f{})", i - 1));
  }
  for (int i = 0; i < kLeaves; ++i)
    text += fmt::format("(func $leaf{} (result i32) (i32.const {}))", i, i);
  std::string bytes(data, 'x');
  bytes[data - 2] = 'a';  // 97
  return commandGuest(text + "(func $end", bytes);
}

TEST_F(CommandCallTest, AnEditedProgramHasItsOwnCodeAndIsCompiledInPart) {
  const TemporaryFolder folder;
  EngineOptions options = smallEngine();
  options.compile = EngineOptions::Compile::kForEditing;
  options.cache_folder = folder.path("code");
  startEngine(options);
  EXPECT_EQ(runCommand(program(100, 7, 16117)).kind, Kind::kOk);
  const std::size_t files = filesIn(folder.path("code")).size();
  EXPECT_GT(files, 6);
  EXPECT_EQ(runCommand(program(100, 7, 16118)).kind, Kind::kExit) << "it can fail";
  EXPECT_EQ(runCommand(program(777, 7, 16117)).kind, Kind::kOk) << "its data moved";
  EXPECT_EQ(runCommand(program(333, 20000, 36110)).kind, Kind::kOk) << "a function differs";
  // Each with a chunk of its own for the number that it compares, and one for the function.
  EXPECT_LE(filesIn(folder.path("code")).size(), files + 3);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(runCommand(program(100, 7, 18717, true)).kind, Kind::kOk) << "it calls many others";
    EXPECT_EQ(runCommand(program(100, 7, 16117)).kind, Kind::kOk) << "and one of them again";
  }
  startEngine(smallEngine());
  EXPECT_EQ(runCommand(program(333, 20000, 36110)).kind, Kind::kOk) << "whole";
}

TEST_F(CommandCallTest, ComputingForTooLongEndsIt) {
  const auto component = load(commandGuest("(loop $again (br $again)) (i32.const 0)"));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    CommandCall call(poller, component, *context, std::chrono::milliseconds(50));
    const CallOutcome outcome = co_await call.run();
    EXPECT_EQ(outcome.kind, Kind::kCpuLimit);
    EXPECT_THAT(outcome.message, testing::ContainsRegex("CPU time\nwasm backtrace:\n +0: +0x"));
  });
}

TEST_F(CommandCallTest, DestroyingItEndsTheGuest) {
  const auto component = load(commandGuest("(loop $again (br $again)) (i32.const 0)"));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    {
      CommandCall call(poller, component, *context);
      auto running = call.run();
      EXPECT_FALSE(running.start());
      while (engine_->guestMemoryBytes() == 0) co_await settle(shard);
    }
    EXPECT_EQ(engine_->guestMemoryBytes(), 0);
  });
}

// --- what it prints

using Lines = std::vector<std::string>;

class GuestOutputTest : public CommandCallTest {
 protected:
  // Prints `text` in pieces of those lengths.
  Lines print(std::string_view text, const std::vector<std::size_t>& pieces) {
    std::string escaped;
    for (const char byte : text) {
      escaped += byte == '\n' ? "\\n" : std::string(1, byte);
    }
    std::string body;
    std::size_t at = 0;
    for (const std::size_t bytes : pieces) {
      body += "(call $print (i32.const " + std::to_string(at) + ") (i32.const " +
              std::to_string(bytes) + "))";
      at += bytes;
    }
    EXPECT_EQ(at, text.size());
    EXPECT_EQ(runCommand(commandGuest(body + "(i32.const 0)", escaped)).kind, Kind::kOk);
    return guest_host_->lines();
  }
};

TEST_F(GuestOutputTest, ComesAsWholeLines) {
  EXPECT_EQ(print("one\ntwo\n\nfour\n", {5, 3, 6}), (Lines{"1: one", "1: two", "1: ", "1: four"}));
}

TEST_F(GuestOutputTest, ALastLineWithoutEndComesWhenTheInstanceGoes) {
  EXPECT_EQ(print("one\ntail", {8}), (Lines{"1: one", "1: tail"}));
}

TEST_F(GuestOutputTest, LongLinesAreCut) {
  const std::string text = std::string(10'000, 'x') + "\nnext\n";
  EXPECT_EQ(
      print(text, {4096, 4096, text.size() - 8192}),
      (Lines{"1: " + std::string(8192, 'x'), "1: " + std::string(10'000 - 8192, 'x'), "1: next"}));
}

TEST_F(GuestOutputTest, WithoutStdioNothingComes) {
  GuestContextOptions silent = roomyContext();
  silent.stdio = GuestStdio::kNone;
  const Bytes guest =
      commandGuest("(call $print (i32.const 0) (i32.const 4)) (i32.const 0)", "abc\\n");
  EXPECT_EQ(runCommand(guest, silent).kind, Kind::kOk);
  EXPECT_EQ(guest_host_->lines(), Lines{});
}

}  // namespace
}  // namespace nimbus::engine
