// wrpc:rpc/error: a failed call as a value of the guest's, instead of a trap.

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
  use wrpc:rpc/error@0.1.0.{error};
  hello: func(name: string) -> result<string, error>;
  ping: func() -> result<_, error>;
  number: func() -> u32;
}
package wrpc:rpc@0.1.0 {
  interface error {
    use wasi:io/error@0.2.0.{error as io-error};
    resource error {
      to-debug-string: func() -> string;
      from-io-error: static func(error: io-error) -> result<error, io-error>;
    }
  }
}
)";

// After hello(): the case at 16, its payload at 20. `$text` has the error's text behind 32.
constexpr std::string_view kPrelude = R"(
  (import "test:provider/api@1.2.3" "hello" (func $hello (param i32 i32 i32)))
  (import "test:provider/api@1.2.3" "ping" (func $ping (param i32)))
  (import "test:provider/api@1.2.3" "number" (func $number (result i32)))
  (import "wrpc:rpc/error@0.1.0" "[method]error.to-debug-string" (func $text (param i32 i32)))
  (import "wrpc:rpc/error@0.1.0" "[resource-drop]error" (func $drop (param i32)))
  (import "wrpc:rpc/error@0.1.0" "[static]error.from-io-error" (func $from (param i32 i32)))
  (memory (export "memory") 64)
  (data (i32.const 1024) "bob")
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func $greet (call $hello (i32.const 1024) (i32.const 3) (i32.const 16)))
  ;; That the call failed, with a text of so many bytes that begins like this.
  (func $failed (param $size i32) (param $first i32)
    (call $expect (i32.load8_u (i32.const 16)) (i32.const 1))
    (call $text (i32.load (i32.const 20)) (i32.const 32))
    (call $expect (i32.load (i32.const 36)) (local.get $size))
    (call $expect (i32.load8_u (i32.load (i32.const 32))) (local.get $first))
    (call $drop (i32.load (i32.const 20))))
)";

class RpcErrorsTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  CallOutcome runGuest(std::string_view body, const TestInvoker::Answer& answer) {
    const auto component =
        load(importingGuest(kApi, "(module " + std::string(kPrelude) +
                                      "(func (export \"wasi:cli/run@0.2.0#run\") (result i32) " +
                                      std::string(body) + " (i32.const 0)))"));
    const auto invoker = std::make_shared<TestInvoker>(answer);
    auto imports = ImportSet::create(
        *component, {{"test:provider/api@1.2.3", "", invoker, std::make_shared<wrpc::Consumer>()}});
    EXPECT_TRUE(imports) << imports.error().describe();
    GuestContextOptions options = roomyContext();
    options.imports = *imports;
    CallOutcome ended;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, options);
      CommandCall call(poller, component, *context);
      ended = co_await call.run();
    });
    events_ = invoker->events();
    return ended;
  }

  std::vector<std::string> events_;
};

// The wire has no case of the result.
TEST_F(RpcErrorsTest, AnAnswerIsTheValueItself) {
  const CallOutcome outcome = runGuest(R"(
    (call $greet)
    (call $expect (i32.load8_u (i32.const 16)) (i32.const 0))
    (call $expect (i32.load (i32.const 24)) (i32.const 6))
    (call $expect (i32.load8_u (i32.load (i32.const 20))) (i32.const 104)))",
                                       [](const std::string&, const std::string& params) {
                                         EXPECT_EQ(params,
                                                   "\x03"s
                                                   "bob");
                                         return Answered(encoded("\x06hi bob"s));
                                       });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(RpcErrorsTest, AnAnswerMayBeLarge) {
  std::string answer = "\xa0\x8d\x06"s;  // 100,000
  answer.append(99'999, 'x').append("y");
  const CallOutcome outcome =
      runGuest(R"(
    (call $greet)
    (call $expect (i32.load8_u (i32.const 16)) (i32.const 0))
    (call $expect (i32.load (i32.const 24)) (i32.const 100000))
    (call $expect (i32.load8_u (i32.load (i32.const 20))) (i32.const 120))
    (call $expect (i32.load8_u (i32.add (i32.load (i32.const 20)) (i32.const 99999)))
      (i32.const 121)))",
               [&](const std::string&, const std::string&) { return Answered(encoded(answer)); });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(RpcErrorsTest, NothingIsAValueToo) {
  const CallOutcome outcome = runGuest(
      "(call $ping (i32.const 16)) (call $expect (i32.load8_u (i32.const 16)) (i32.const 0))",
      [](const std::string&, const std::string&) { return Answered(encoded("")); });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(RpcErrorsTest, ALongTextIsCut) {
  const CallOutcome outcome =
      runGuest("(call $greet) (call $failed (i32.const 2048) (i32.const 116))",
               [](const std::string&, const std::string&) {
                 return Answered(
                     Result<wrpc::Values>(fail(ErrorCode::kUnavailable, std::string(5000, 'x'))));
               });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

constexpr const char* kMessage = "nobody serves that";

std::string failsWith(std::string_view message) {
  const std::string whole =
      "the import test:provider/api@1.2.3.hello failed: " + std::string(message);
  return "(call $greet) (call $failed (i32.const " + std::to_string(whole.size()) +
         ") (i32.const 116))";
}

TEST_F(RpcErrorsTest, AFailureIsAValueWithItsText) {
  const CallOutcome outcome = runGuest(
      failsWith(kMessage) + failsWith(kMessage), [](const std::string&, const std::string&) {
        return Answered(Result<wrpc::Values>(fail(ErrorCode::kUnavailable, kMessage)));
      });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  EXPECT_EQ(events_, (std::vector<std::string>{"open", "close"}));  // no provider hears of drops
}

Task<Result<wrpc::Values>> failWhen(Event* event) {
  co_await event->wait();
  co_return fail(ErrorCode::kUnavailable, kMessage);
}

TEST_F(RpcErrorsTest, SoIsOneThatComesLater) {
  Event event;
  event.set();
  const CallOutcome outcome =
      runGuest(failsWith(kMessage),
               [&](const std::string&, const std::string&) { return Answered(failWhen(&event)); });
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
}

TEST_F(RpcErrorsTest, SoIsAnAnswerThatDoesNotDecode) {
  for (const std::string& answer : {"\x06hi"s, "\x02hi and more"s, "\x01\xff"s}) {
    const CallOutcome outcome =
        runGuest(R"((call $greet) (call $expect (i32.load8_u (i32.const 16)) (i32.const 1)))",
                 [&](const std::string&, const std::string&) { return Answered(encoded(answer)); });
    EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  }
}

TEST_F(RpcErrorsTest, OtherFunctionsTrapAsBefore) {
  const CallOutcome outcome =
      runGuest("(drop (call $number))", [](const std::string&, const std::string&) {
        return Answered(Result<wrpc::Values>(fail(ErrorCode::kUnavailable, kMessage)));
      });
  EXPECT_EQ(outcome.kind, Kind::kTrap);
  EXPECT_NE(outcome.message.find(kMessage), std::string::npos);
}

}  // namespace
}  // namespace nimbus::engine
