#include "base/sync.h"
#include "engine/command_call.h"
#include "engine/import_set.h"
#include "engine/test_invoker.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using namespace std::string_literals;
using Kind = CallOutcome::Kind;
using Answered = Eventual<Result<wrpc::Values>>;

constexpr std::string_view kApi = R"(
package test:provider@1.2.3;
interface api {
  ask: func(key: string, flag: bool) -> result<option<list<u8>>, string>;
  add: func(a: u32, b: u32) -> u32;
  swap: func(content: list<u8>) -> list<u8>;
  resource counter {
    constructor(start: u32);
    next: func() -> u32;
    absorb: static func(other: counter) -> u32;
  }
}
)";

// What every guest here can use.
constexpr std::string_view kPrelude = R"(
  (import "test:provider/api@1.2.3" "ask" (func $ask (param i32 i32 i32 i32)))
  (import "test:provider/api@1.2.3" "add" (func $add (param i32 i32) (result i32)))
  (import "test:provider/api@1.2.3" "swap" (func $swap (param i32 i32 i32)))
  (import "test:provider/api@1.2.3" "[constructor]counter" (func $counter (param i32) (result i32)))
  (import "test:provider/api@1.2.3" "[method]counter.next" (func $next (param i32) (result i32)))
  (import "test:provider/api@1.2.3" "[static]counter.absorb"
    (func $absorb (param i32) (result i32)))
  (import "test:provider/api@1.2.3" "[resource-drop]counter" (func $drop (param i32)))
  (memory (export "memory") 64)
  (data (i32.const 1024) "key")
  (global $top (mut i32) (i32.const 2097152))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
)";

class ImportCallsTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  // A command whose `run` has this body.
  std::shared_ptr<const Component> guest(std::string_view body) {
    return load(importingGuest(kApi, "(module " + std::string(kPrelude) +
                                         "(func (export \"wasi:cli/run@0.2.0#run\") (result i32) "
                                         "(local $a i32) (local $b i32) " +
                                         std::string(body) + " (i32.const 0)))"));
  }

  [[nodiscard]] static std::vector<ImportBinding> bindings(std::shared_ptr<wrpc::Invoker> invoker) {
    return {
        {"test:provider/api@1.2.0", "", std::move(invoker), std::make_shared<wrpc::Consumer>()}};
  }

  [[nodiscard]] static GuestContextOptions contextWith(const Component& component,
                                                       std::shared_ptr<wrpc::Invoker> invoker) {
    GuestContextOptions options = roomyContext();
    auto imports = ImportSet::create(component, bindings(std::move(invoker)));
    EXPECT_TRUE(imports) << imports.error().describe();
    if (imports) options.imports = *imports;
    return options;
  }

  CallOutcome runGuest(std::string_view body, const std::shared_ptr<TestInvoker>& invoker) {
    const auto component = guest(body);
    CallOutcome ended;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, contextWith(*component, invoker));
      CommandCall call(poller, component, *context);
      ended = co_await call.run();
    });
    return ended;
  }
};

constexpr std::string_view kAskForKey = R"(
  (call $ask (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const 16))
  (call $expect (i32.load8_u (i32.const 16)) (i32.const 0))
  (call $expect (i32.load8_u (i32.const 20)) (i32.const 1))
  (call $expect (i32.load (i32.const 28)) (i32.const 5))
  (call $expect (i32.load8_u (i32.load (i32.const 24))) (i32.const 118))
)";

TEST_F(ImportCallsTest, ValuesCrossInBothDirections) {
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string& function, std::string params) -> Answered {
        EXPECT_EQ(function, "ask");
        EXPECT_EQ(params, "\x03key\x01");
        return encoded("\x00\x01\x05value"s);
      });
  const CallOutcome outcome = runGuest(kAskForKey, invoker);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  EXPECT_EQ(invoker->instances().front(), "test:provider/api@1.2.3");
  EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open", "close"}));
}

TEST_F(ImportCallsTest, ASessionIsOpenedByTheFirstCallAndServesAll) {
  const auto invoker =
      std::make_shared<TestInvoker>([](const std::string&, std::string params) -> Answered {
        return encoded(std::string(1, static_cast<char>(params[0] + params[1])));
      });
  EXPECT_EQ(runGuest("", invoker).kind, Kind::kOk);
  EXPECT_TRUE(invoker->events().empty());
  const CallOutcome outcome = runGuest(R"(
    (loop $again
      (call $expect (call $add (local.get $a) (i32.const 2))
        (i32.add (local.get $a) (i32.const 2)))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $a) (i32.const 100)))))",
                                       invoker);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open", "close"}));
}

TEST_F(ImportCallsTest, TheNextInstanceOfAContextHasWhatTheLastOneLeft) {
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string&) -> Answered { return encoded("\x07"); });
  const auto component =
      guest("(call $expect (call $add (i32.const 3) (i32.const 4)) (i32.const 7))");
  const auto run_twice = [&] {
    invoker->events().clear();
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, contextWith(*component, invoker));
      for (int i = 0; i < 2; ++i) {
        CommandCall call(poller, component, *context);
        EXPECT_EQ((co_await call.run()).kind, Kind::kOk);
      }
    });
    return invoker->events();
  };
  EXPECT_EQ(run_twice(), (std::vector<std::string>{"open", "close", "open", "close"}));
  invoker->letRenew();
  EXPECT_EQ(run_twice(), (std::vector<std::string>{"open", "renew", "renew", "close"}));
}

TEST_F(ImportCallsTest, AnInstanceThatOutlivesItsContextLeavesNothing) {
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string&) -> Answered { return encoded("\x07"); });
  invoker->letRenew();
  const auto component =
      guest("(call $expect (call $add (i32.const 3) (i32.const 4)) (i32.const 7))");
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    auto context = makeContext(shard, contextWith(*component, invoker));
    CommandCall call(poller, component, *context);
    context.reset();
    EXPECT_EQ((co_await call.run()).kind, Kind::kOk);
  });
  EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open", "close"}));
}

Task<Result<wrpc::Values>> answerWhen(Event* event, std::string bytes) {
  co_await event->wait();
  co_return encoded(bytes);
}

TEST_F(ImportCallsTest, AGuestIsSuspendedUntilTheAnswerIsThere) {
  Event first;
  Event second;
  int calls = 0;
  const auto invoker =
      std::make_shared<TestInvoker>([&](const std::string&, const std::string&) -> Answered {
        return answerWhen(calls++ == 0 ? &first : &second, "\x07");
      });
  const auto component = guest(R"(
    (call $expect (call $add (i32.const 1) (i32.const 2)) (i32.const 7))
    (call $expect (call $add (i32.const 1) (i32.const 2)) (i32.const 7)))");
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard, contextWith(*component, invoker));
    CommandCall call(poller, component, *context);
    std::optional<CallOutcome> outcome;
    TaskSet tasks;
    tasks.spawn([](CommandCall* of, std::optional<CallOutcome>* to) -> Task<void> {
      to->emplace(co_await of->run());
    }(&call, &outcome));
    co_await settle(shard);
    EXPECT_EQ(calls, 1);
    first.set();
    co_await settle(shard);
    EXPECT_EQ(calls, 2);
    EXPECT_FALSE(outcome.has_value());
    second.set();
    co_await tasks.empty();
    EXPECT_EQ(outcome->kind, Kind::kOk) << outcome->message;
  });
}

TEST_F(ImportCallsTest, AnswersThatNeedATaskButNoWaitingComeAtOnce) {
  Event set_already;
  set_already.set();
  const auto invoker =
      std::make_shared<TestInvoker>([&](const std::string&, const std::string&) -> Answered {
        return answerWhen(&set_already, "\x03");
      });
  const CallOutcome outcome = runGuest(R"(
    (call $expect (call $add (i32.const 1) (i32.const 2)) (i32.const 3))
    (call $expect (call $add (i32.const 1) (i32.const 2)) (i32.const 3)))",
                                       invoker);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

// Says when its frame is gone.
struct Trace {
  std::vector<std::string>* events;
  ~Trace() { events->emplace_back("cancelled"); }
};
Task<Result<wrpc::Values>> neverAnswer(std::vector<std::string>* events) {
  const Trace trace{events};
  Event never;
  co_await never.wait();
  co_return encoded("");
}

TEST_F(ImportCallsTest, EndingAGuestCancelsItsCallAndClosesItsSession) {
  TestInvoker* raw = nullptr;
  const auto invoker =
      std::make_shared<TestInvoker>([&](const std::string&, const std::string&) -> Answered {
        return neverAnswer(&raw->events());
      });
  raw = invoker.get();
  const auto component = guest("(drop (call $add (i32.const 1) (i32.const 2)))");
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard, contextWith(*component, invoker));
    {
      CommandCall call(poller, component, *context);
      TaskSet tasks;
      tasks.spawn([](CommandCall* of) -> Task<void> { (void)co_await of->run(); }(&call));
      co_await settle(shard);
      EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open"}));
    }
    EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open", "cancelled", "close"}));
  });
}

TEST_F(ImportCallsTest, AProvidersErrorTrapsTheGuestWithItsMessage) {
  Event event;
  event.set();
  for (const bool later : {false, true}) {
    const auto invoker =
        std::make_shared<TestInvoker>([&](const std::string&, const std::string&) -> Answered {
          if (!later) return Result<wrpc::Values>(fail(ErrorCode::kUnavailable, "out of order"));
          return [](Event* of) -> Task<Result<wrpc::Values>> {
            co_await of->wait();
            co_return fail(ErrorCode::kUnavailable, "out of order");
          }(&event);
        });
    const CallOutcome outcome = runGuest("(drop (call $add (i32.const 1) (i32.const 2)))", invoker);
    EXPECT_EQ(outcome.kind, Kind::kTrap);
    EXPECT_NE(outcome.message.find("test:provider/api@1.2.3.add failed: out of order"),
              std::string::npos)
        << outcome.message;
  }
}

TEST_F(ImportCallsTest, ResultsThatAreNotWhatTheTypeSaysTrapTheGuest) {
  const std::vector<std::string> malformed{
      "",                               // nothing
      "\x02",                           // a case too far
      "\x00"s,                          // ends early
      "\x00\x02"s,                      // neither none nor some
      "\x00\x01\x05valu"s,              // a list that ends early
      "\x00\x01\xff\xff\xff\xff\x0f"s,  // a list of 4 GiB
      "\x00\x01\xff\xff\xff\xff\x1f"s,  // a count beyond 32 bits
      "\x00\x00\x00"s,                  // more than the value
      "\x01\x02\xc3\x28",               // not UTF-8
  };
  for (const std::string& bytes : malformed) {
    const auto invoker = std::make_shared<TestInvoker>(
        [&](const std::string&, const std::string&) -> Answered { return encoded(bytes); });
    const CallOutcome outcome = runGuest(
        "(call $ask (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const 16))", invoker);
    EXPECT_EQ(outcome.kind, Kind::kTrap) << ::testing::PrintToString(bytes);
  }
}

TEST_F(ImportCallsTest, WhatAGuestSendsIsChecked) {
  bool called = false;
  const auto invoker =
      std::make_shared<TestInvoker>([&](const std::string&, const std::string&) -> Answered {
        called = true;
        return encoded("\x00\x00"s);
      });
  for (const std::string_view body :
       {"(call $ask (i32.const -16) (i32.const 3) (i32.const 1) (i32.const 16))",
        "(call $ask (i32.const 1024) (i32.const -1) (i32.const 1) (i32.const 16))",
        "(i32.store8 (i32.const 1024) (i32.const 255))"
        "(call $ask (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const 16))",
        "(call $ask (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const 17))",
        "(call $ask (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const -4))",
        "(drop (call $next (i32.const 5)))", "(drop (call $absorb (i32.const 5)))"}) {
    const CallOutcome outcome = runGuest(body, invoker);
    EXPECT_EQ(outcome.kind, Kind::kTrap) << body;
  }
  // A return pointer is looked at once there is something to return.
  (void)called;
}

TEST_F(ImportCallsTest, LargeValuesCrossWhole) {
  constexpr std::size_t kSize = 1 << 20;
  const auto invoker =
      std::make_shared<TestInvoker>([](const std::string&, std::string params) -> Answered {
        EXPECT_EQ(params.size(), 3 + kSize);
        EXPECT_EQ(params.substr(0, 4), "\x80\x80\x40x");
        EXPECT_EQ(params.back(), 'x');
        wrpc::Values values;
        values.bytes.append(asBytes("\x80\x80\x40"));
        values.bytes.append(Bytes::take(std::string(kSize / 2, 'y')));
        values.bytes.append(Bytes::take(std::string(kSize / 2, 'z')));
        return Result<wrpc::Values>(std::move(values));
      });
  const CallOutcome outcome = runGuest(R"(
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 1048576))
    (call $swap (i32.const 65536) (i32.const 1048576) (i32.const 16))
    (local.set $a (i32.load (i32.const 16)))
    (call $expect (i32.load (i32.const 20)) (i32.const 1048576))
    (call $expect (i32.load8_u (local.get $a)) (i32.const 121))
    (call $expect (i32.load8_u (i32.add (local.get $a) (i32.const 524287))) (i32.const 121))
    (call $expect (i32.load8_u (i32.add (local.get $a) (i32.const 524288))) (i32.const 122))
    (call $expect (i32.load8_u (i32.add (local.get $a) (i32.const 1048575))) (i32.const 122)))",
                                       invoker);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

// Two counters, of which one is dropped and one given away.
constexpr std::string_view kUseCounters = R"(
  (local.set $a (call $counter (i32.const 5)))
  (local.set $b (call $counter (i32.const 6)))
  (call $expect (call $next (local.get $a)) (i32.const 9))
  (call $expect (call $absorb (local.get $b)) (i32.const 9))
  (call $drop (local.get $a))
  (drop (call $counter (i32.const 7)))  ;; left to the end of the guest
)";

TEST_F(ImportCallsTest, HandlesOfAnyLengthReturnAsTheyWere) {
  for (const std::vector<std::string>& handles :
       {std::vector<std::string>{"\x01\x00\x00\x00"s, "\x02\x00\x00\x00"s, "\x03\x00\x00\x00"s},
        std::vector<std::string>{"first of sixteen", "second", ""},
        std::vector<std::string>{"\xff\xff\xff\xff", "\x00\x00\x00\x80"s, std::string(200, 'h')}}) {
    std::vector<std::string> calls;
    const auto sized = [](const std::string& handle) {
      std::string bytes(1, static_cast<char>(handle.size()));
      if (handle.size() > 127) bytes = "\xc8\x01";
      return bytes + handle;
    };
    std::size_t made = 0;
    const auto invoker = std::make_shared<TestInvoker>(
        [&](const std::string& function, std::string params) -> Answered {
          calls.push_back(function + " " + params);
          if (function == "counter") return encoded(sized(handles[made++]));
          return encoded("\x09");
        });
    const CallOutcome outcome = runGuest(kUseCounters, invoker);
    EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
    EXPECT_EQ(calls, (std::vector<std::string>{
                         "counter \x05", "counter \x06", "counter.next " + sized(handles[0]),
                         "counter.absorb " + sized(handles[1]), "counter \x07"}));
    EXPECT_EQ(invoker->events(), (std::vector<std::string>{"open", "drop " + handles[0], "close"}));
  }
}

TEST_F(ImportCallsTest, WhatNobodyProvidesIsNamed) {
  const auto component = guest("");
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string&) -> Answered { return encoded(""); });
  ASSERT_EQ(component->imports().size(), 1U);
  EXPECT_EQ(component->imports()[0].name, "test:provider/api@1.2.3");
  EXPECT_EQ(component->imports()[0].interface, "test:provider/api@1.2.3");
  EXPECT_EQ(component->imports()[0].functions.size(), 6U);

  EXPECT_TRUE(missingImports(*component, bindings(invoker)).empty());
  std::vector<ImportBinding> other = bindings(invoker);
  other[0].import = "test:provider/api@2.0.0";
  ASSERT_EQ(missingImports(*component, other).size(), 1U);
  const auto refused = ImportSet::create(*component, other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(refused.error().message().find("test:provider/api@1.2.3"), std::string::npos);

  invoker->makeUnknown("counter.next");
  const auto incomplete = ImportSet::create(*component, bindings(invoker));
  ASSERT_FALSE(incomplete);
  EXPECT_NE(incomplete.error().describe().find("counter.next"), std::string::npos);
}

TEST_F(ImportCallsTest, ABindingMayGiveTheInterfaceAnotherName) {
  const auto component = guest("");
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string&) -> Answered { return encoded(""); });
  std::vector<ImportBinding> renamed = bindings(invoker);
  renamed[0].instance = "test:provider/api@1.0.0";
  ASSERT_TRUE(ImportSet::create(*component, renamed));
  EXPECT_EQ(invoker->instances().front(), "test:provider/api@1.0.0");
}

TEST_F(ImportCallsTest, AGuestWithoutItsImportsTrapsWhenItCallsOne) {
  const auto component = guest("(drop (call $add (i32.const 1) (i32.const 2)))");
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    CommandCall call(poller, component, *context);
    const CallOutcome outcome = co_await call.run();
    EXPECT_EQ(outcome.kind, Kind::kTrap);
    EXPECT_NE(outcome.message.find("nothing provides"), std::string::npos) << outcome.message;
  });
}

TEST_F(ImportCallsTest, CallsOfAnAsyncFunctionOverlap) {
  for (const bool third : {false, true}) {
    Event first;
    Event second;
    TestInvoker* raw = nullptr;
    const auto invoker = std::make_shared<TestInvoker>(
        [&](const std::string& function, const std::string& params) -> Answered {
          EXPECT_EQ(function, "wait");
          if (params == "\x01") return answerWhen(&first, "\x0a");
          if (params == "\x02") return answerWhen(&second, "\x14");
          return neverAnswer(&raw->events());
        });
    raw = invoker.get();
    const auto component = load(overlappingGuest(third));
    ASSERT_TRUE(component->imports().at(0).functions.at(0).is_async);
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, contextWith(*component, invoker));
      CommandCall call(poller, component, *context);
      std::optional<CallOutcome> outcome;
      TaskSet tasks;
      tasks.spawn([](CommandCall* of, std::optional<CallOutcome>* to) -> Task<void> {
        to->emplace(co_await of->run());
      }(&call, &outcome));
      co_await settle(shard);
      EXPECT_FALSE(outcome.has_value());
      const std::vector<std::string> expected =
          third ? std::vector<std::string>{"open", "cancelled"} : std::vector<std::string>{"open"};
      EXPECT_EQ(invoker->events(), expected);
      second.set();
      co_await settle(shard);
      first.set();
      co_await tasks.empty();
      EXPECT_EQ(outcome->kind, Kind::kOk) << outcome->message;
    });
  }
}

Task<Result<wrpc::Values>> failWhen(Event* event) {
  co_await event->wait();
  co_return fail(ErrorCode::kUnavailable, "of the first");
}

TEST_F(ImportCallsTest, WhoServesACallMayEndAnotherOfTheSameGuest) {
  Event first;
  Event never;
  const auto invoker =
      std::make_shared<TestInvoker>([&](const std::string&, const std::string& params) -> Answered {
        if (params == "\x01") return failWhen(&first);
        return [](Event* wakes, Event* waits) -> Task<Result<wrpc::Values>> {
          const std::string kept = "what this call keeps, longer than fits into the object";
          wakes->set();
          co_await waits->wait();
          co_return encoded(kept);
        }(&first, &never);
      });
  const auto component = load(overlappingGuest(false));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard, contextWith(*component, invoker));
    CommandCall call(poller, component, *context);
    const CallOutcome outcome = co_await call.run();
    EXPECT_EQ(outcome.kind, Kind::kTrap);
    EXPECT_NE(outcome.message.find("of the first"), std::string::npos) << outcome.message;
  });
}

TEST_F(ImportCallsTest, TheDeadlineOfTheCallIsPassedOn) {
  const auto invoker = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string&) -> Answered { return encoded(""); });
  const auto component = load(askingHandler());
  GuestContextOptions options = contextWith(*component, invoker);
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard, options);
    http::RequestHead head;
    head.method = "GET";
    head.authority = "guest.test";
    head.path = "/";
    const TimePoint deadline = shard.now() + std::chrono::seconds(30);
    auto exchange = Exchange::create(head, false, 65536, deadline);
    FreshCall call(poller, component, *context, *std::move(exchange), std::chrono::seconds(60));
    call.poll();
    EXPECT_EQ((co_await outcomeOf(call.exchange())).kind, Kind::kNoResponse);
    EXPECT_EQ(invoker->lastDeadline(), deadline);
  });
}

TEST_F(ImportCallsTest, TypesThatCannotCrossAreRefusedByName) {
  struct Case {
    std::string_view type;
    std::string_view why;
  };
  constexpr std::string_view kOfStreams = "in the items of a stream or future cannot cross";
  constexpr std::string_view kForeign = "a resource of another provider cannot cross";
  for (const auto& [type, why] : {
           Case{"stream<stream<u8>>", kOfStreams},
           Case{"stream<thing>", kOfStreams},
           Case{"future<tuple<u32, option<thing>>>", kOfStreams},
           Case{"future", "without a type cannot cross"},
           Case{"stream<input-stream>", kOfStreams},
           Case{"output-stream", kForeign},
           Case{"borrow<input-stream>", kForeign},
       }) {
    const std::string api =
        "package test:provider@1.2.3; interface api {"
        "  use wasi:io/streams@0.2.0.{input-stream, output-stream}; resource thing {}"
        "  take: func(x: tuple<" +
        std::string(type) + ">); }";
    const Bytes wasm = importingGuest(
        api, R"((module (import "test:provider/api@1.2.3" "take" (func $take (param i32)))
                 (memory (export "memory") 1)
                 (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0))))");
    const auto refused = engine_->load(wasm.view());
    ASSERT_FALSE(refused) << type;
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
    const std::string message = refused.error().describe();
    EXPECT_NE(message.find("test:provider/api@1.2.3"), std::string::npos) << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace nimbus::engine
