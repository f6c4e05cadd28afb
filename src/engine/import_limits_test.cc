// What the calls that an instance has waiting may amount to.

#include <memory>
#include <string>

#include "base/sync.h"
#include "engine/command_call.h"
#include "engine/import_set.h"
#include "engine/test_invoker.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

using Kind = CallOutcome::Kind;

// A command that calls its import again and again, and waits for no answer. Each call has so many
// bytes of parameters, of 16 MiB at most.
Bytes crowdingGuest(std::size_t bytes) {
  std::string text = R"((component
    (import "test:provider/api@1.2.3" (instance $api
      (export "take" (func async (param "content" (list u8)) (result u32)))))
    (core module $libc (memory (export "memory") 256))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (core func $take (canon lower (func $api "take") async (memory $memory)))
    (core module $m
      (import "h" "take" (func $take (param i32 i32 i32) (result i32)))
      (func (export "run") (result i32)
        (loop $again
          (drop (call $take (i32.const 0) (i32.const BYTES) (i32.const 0)))
          (br $again))
        unreachable))
    (core instance $i (instantiate $m (with "h" (instance (export "take" (func $take))))))
    (func $run async (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.3.0" (instance $command))))";
  text.replace(text.find("BYTES"), 5, std::to_string(bytes));
  auto wasm = wit::watToWasm(text);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return wasm.value_or(Bytes());
}

Task<Result<wrpc::Values>> neverAnswer() {
  Event never;
  co_await never.wait();
  co_return encoded("");
}

class ImportLimitsTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  // The calls that were made until the guest was stopped.
  std::size_t callsOf(std::size_t bytes) {
    std::size_t calls = 0;
    const auto invoker =
        std::make_shared<TestInvoker>([&](const std::string&, const std::string& params) {
          EXPECT_GT(params.size(), bytes);
          ++calls;
          return Eventual<Result<wrpc::Values>>(neverAnswer());
        });
    const auto component = load(crowdingGuest(bytes));
    GuestContextOptions options = roomyContext();
    auto imports = ImportSet::create(
        *component, {{"test:provider/api@1.2.3", "", invoker, std::make_shared<wrpc::Consumer>()}});
    EXPECT_TRUE(imports) << imports.error().describe();
    options.imports = *imports;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, options);
      CommandCall call(poller, component, *context);
      const CallOutcome outcome = co_await call.run();
      EXPECT_EQ(outcome.kind, Kind::kTrap);
      EXPECT_NE(outcome.message.find("too many calls wait"), std::string::npos) << outcome.message;
    });
    return calls;
  }
};

TEST_F(ImportLimitsTest, CallsThatWaitAreCounted) { EXPECT_EQ(callsOf(10), 16'384U); }

TEST_F(ImportLimitsTest, TheirParametersAreLimitedTogether) {
  EXPECT_EQ(callsOf((1 << 20) - 3), 64U) << "of a megabyte, encoded";
  EXPECT_EQ(callsOf(16 << 20), 3U);
}

}  // namespace
}  // namespace nimbus::engine
