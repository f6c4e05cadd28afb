#include "engine/component_invoker.h"

#include <chrono>

#include <fmt/format.h>

#include "base/sync.h"
#include "engine/command_call.h"
#include "engine/import_set.h"
#include "engine/test_invoker.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

using namespace std::string_literals;
using Results = Result<wrpc::Values>;
using std::chrono::milliseconds;

// One shard's poller and context.
class TestEnvironment final : public GuestEnvironment {
 public:
  TestEnvironment(Poller& poller, std::unique_ptr<GuestContext> context)
      : poller_(poller), context_(std::move(context)) {}
  Poller& poller(net::Shard& /*shard*/) override { return poller_; }
  const GuestContext& context(net::Shard& /*shard*/) override { return *context_; }

 private:
  Poller& poller_;
  std::unique_ptr<GuestContext> context_;
};

class ComponentInvokerTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  // Opens a session on an invoker for the component and gives both to `use`.
  using Use = std::function<Task<void>(ComponentInvoker&, wrpc::Session&)>;
  void withSession(const std::shared_ptr<const Component>& component, Use use,
                   ComponentInvokerOptions options = {},
                   GuestContextOptions guest = roomyContext()) {
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      auto environment = std::make_shared<TestEnvironment>(poller, makeContext(shard, guest));
      ComponentInvoker invoker(component, environment, options, *log_);
      environment.reset();
      const auto session = invoker.open(shard, std::make_shared<wrpc::Consumer>());
      co_await use(invoker, *session);
    });
  }

  [[nodiscard]] static wrpc::FunctionId id(ComponentInvoker& invoker, std::string_view function,
                                           std::string_view instance = "test:library/api@1.0.0") {
    const auto found = invoker.resolve({instance, function});
    EXPECT_TRUE(found) << found.error().describe();
    return found ? *found : wrpc::FunctionId{};
  }

  // Of guests that import test:provider/api@1.2.3.
  [[nodiscard]] static GuestContextOptions contextWith(const Component& component,
                                                       std::shared_ptr<wrpc::Invoker> provider) {
    GuestContextOptions guest = roomyContext();
    auto imports = ImportSet::create(
        component,
        {{"test:provider/api@1.2.3", "", std::move(provider), std::make_shared<wrpc::Consumer>()}});
    EXPECT_TRUE(imports) << imports.error().describe();
    if (imports) guest.imports = *imports;
    return guest;
  }

  const wrpc::Consumer consumer_{};
  const wrpc::CallContext context_{consumer_, std::nullopt, {}};

  Eventual<Results> call(wrpc::Session& session, wrpc::FunctionId function,
                         std::string_view params) {
    return session.invoke(context_, function, *encoded(params));
  }
};

std::string bytesOf(Results results) {
  EXPECT_TRUE(results) << results.error().describe();
  return results ? std::string(asText(results->bytes.flatten())) : "";
}

ErrorCode codeOf(const Results& results) {
  EXPECT_FALSE(results);
  return results ? ErrorCode::kCancelled : results.error().code();
}

TEST_F(ComponentInvokerTest, CallsAnExportAtOnce) {
  const auto component = load(libraryGuest());
  EXPECT_EQ(component->kind(), ComponentKind::kLibrary);
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    auto sum = call(session, id(invoker, "add"), "\x02\xac\x02");
    EXPECT_TRUE(sum.ready());
    EXPECT_EQ(bytesOf(sum.take()), "\xae\x02");
    const std::string large = "\x80\x80\x04" + std::string(65536, 'x');
    EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "echo"), large)), large);
    EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "echo"), "\x00"s)), "\x00"s);
  });
}

TEST_F(ComponentInvokerTest, FindsFunctionsByNameAndCompatibleVersion) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session&) -> Task<void> {
    EXPECT_EQ(id(invoker, "add", "test:library/api@1.2.0"), id(invoker, "add"));
    const auto version = invoker.resolve({"test:library/api@2.0.0", "add"});
    EXPECT_EQ(version ? ErrorCode::kInternal : version.error().code(), ErrorCode::kNotFound);
    EXPECT_FALSE(invoker.resolve({"test:library/api@1.0.0", "nothing"}));
    co_return;
  });
}

TEST_F(ComponentInvokerTest, ParametersThatDoNotFitNeverReachTheGuest) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const auto add = id(invoker, "add");
    const auto echo = id(invoker, "echo");
    const auto next = id(invoker, "counter.next");
    for (const auto& [function, params] :
         std::vector<std::pair<wrpc::FunctionId, std::string>>{{add, "\x02"},
                                                               {add, "\x02\x03\x04"},
                                                               {add, "\xff\xff\xff\xff\x1f\x03"},
                                                               {echo,
                                                                "\x05"
                                                                "abc"},
                                                               {next, "\x04\x01\x00\x00\x00"s},
                                                               {next, "\x03\x01\x00\x00"s},
                                                               {next, "\x00"s}}) {
      EXPECT_EQ(codeOf(co_await call(session, function, params)), ErrorCode::kProtocol)
          << ::testing::PrintToString(params);
    }
    // The instance is as it was: the count below goes on.
    EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "calls"), "")), "\x01");
    EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "calls"), "")), "\x02");
  });
}

TEST_F(ComponentInvokerTest, ATrapEndsTheInstanceAndTheNextCallHasANewOne) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const auto calls = id(invoker, "calls");
    EXPECT_EQ(bytesOf(co_await call(session, calls, "")), "\x01");
    const std::string counter = bytesOf(co_await call(session, id(invoker, "counter"), "\x05"));
    const Results trapped = co_await call(session, id(invoker, "crash"), "");
    EXPECT_EQ(codeOf(trapped), ErrorCode::kTrap);
    EXPECT_EQ(bytesOf(co_await call(session, calls, "")), "\x01");
    const Results stale = co_await call(session, id(invoker, "counter.next"), counter);
    EXPECT_EQ(codeOf(stale), ErrorCode::kProtocol);
  });
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

class ProvidedResourcesTest : public ComponentInvokerTest {
 protected:
  // Answers `number` with the handle's third byte.
  std::shared_ptr<TestInvoker> provider_ = std::make_shared<TestInvoker>(
      [](const std::string&, const std::string& params) { return encoded(params.substr(3, 1)); });

  void withDesk(Use use, ProvidedResources accepted = ProvidedResources::kAccepted) {
    const auto component = load(deskGuest());
    GuestContextOptions guest = roomyContext();
    auto imports = ImportSet::create(*component, {{"test:desk/tickets@1.0.0", "", provider_,
                                                   std::make_shared<wrpc::Consumer>()}});
    ASSERT_TRUE(imports) << imports.error().describe();
    guest.imports = *imports;
    ComponentInvokerOptions options;
    options.provided_resources = accepted;
    withSession(component, std::move(use), options, guest);
  }
};

TEST_F(ProvidedResourcesTest, ReachTheGuestAsParametersAndAreItsOwn) {
  withDesk([&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const auto both = id(invoker, "both", "test:desk/api@1.0.0");
    EXPECT_EQ(bytesOf(co_await call(session, both, "\x04\x01\x02\x07\x00\x00"s)), "\xbc\x05");
    EXPECT_EQ(
        bytesOf(co_await call(session, both, "\x04\x01\x02\x01\x00\x01\x05\x61\x62\x02\x63\x64"s)),
        "\x66");
  });
  EXPECT_EQ(provider_->events(),
            (std::vector<std::string>{"open", "drop \x01\x02\x07\x00"s, "drop \x01\x02\x01\x00"s,
                                      "drop ab\x02"
                                      "cd",
                                      "close"}));
}

TEST_F(ProvidedResourcesTest, StandBesideResourcesOfTheGuestWithTheSameNumber) {
  withDesk([&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const std::string note =
        bytesOf(co_await call(session, id(invoker, "note", "test:desk/api@1.0.0"), "\x03"));
    const auto mixed = id(invoker, "mixed", "test:desk/api@1.0.0");
    EXPECT_EQ(note[3], 0);  // what the provider answers for the ticket
    EXPECT_EQ(bytesOf(co_await call(session, mixed, note + note)), "\xac\x02");
  });
}

TEST_F(ProvidedResourcesTest, AreRefusedUnlessTheCallerIsTrusted) {
  withDesk(
      [&](ComponentInvoker& invoker, wrpc::Session&) -> Task<void> {
        const auto refused = invoker.resolve({"test:desk/api@1.0.0", "both"});
        EXPECT_EQ(refused ? ErrorCode::kInternal : refused.error().code(), ErrorCode::kUnsupported);
        EXPECT_TRUE(invoker.resolve({"test:desk/api@1.0.0", "note"}));
        co_return;
      },
      ProvidedResources::kRefused);
}

TEST_F(ComponentInvokerTest, SessionsHaveInstancesOfTheirOwn) {
  const auto component = load(libraryGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    ComponentInvoker invoker(
        component, std::make_shared<TestEnvironment>(poller, makeContext(shard)), {}, *log_);
    const auto consumer = std::make_shared<wrpc::Consumer>();
    const auto first = invoker.open(shard, consumer);
    const auto second = invoker.open(shard, consumer);
    const auto calls = id(invoker, "calls");
    EXPECT_EQ(bytesOf(co_await call(*first, calls, "")), "\x01");
    EXPECT_EQ(bytesOf(co_await call(*first, calls, "")), "\x02");
    EXPECT_EQ(bytesOf(co_await call(*second, calls, "")), "\x01");
    const std::string counter = bytesOf(co_await call(*first, id(invoker, "counter"), "\x05"));
    EXPECT_FALSE(co_await call(*second, id(invoker, "counter.next"), counter));
  });
}

TEST_F(ComponentInvokerTest, ResourcesOfTheGuestAreOwnedOnce) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const auto make = id(invoker, "counter");
    const auto next = id(invoker, "counter.next");
    const auto eat = id(invoker, "counter.eat");
    const auto dropped = id(invoker, "dropped");
    const std::string first = bytesOf(co_await call(session, make, "\x05"));
    const std::string second = bytesOf(co_await call(session, make, "\x07"));
    EXPECT_EQ(first.size(), 5U);
    EXPECT_NE(first, second);
    EXPECT_EQ(bytesOf(co_await call(session, next, first)), "\x06");
    EXPECT_EQ(bytesOf(co_await call(session, next, first)), "\x07");
    EXPECT_EQ(bytesOf(co_await call(session, next, second)), "\x08");

    // Given away: gone for us, and destroyed by the guest.
    EXPECT_EQ(bytesOf(co_await call(session, eat, second)), "\x08");
    EXPECT_FALSE(co_await call(session, next, second));
    EXPECT_FALSE(co_await call(session, eat, second));
    EXPECT_EQ(bytesOf(co_await call(session, dropped, "")), "\x01");

    // Dropped by us.
    EXPECT_TRUE(session.owns(asBytes(first).subspan(1)));
    EXPECT_FALSE(session.owns(asBytes(second).subspan(1)));
    EXPECT_TRUE(session.inUse());
    session.drop(asBytes(first).subspan(1));
    session.drop(asBytes(first).subspan(1));
    EXPECT_FALSE(session.owns(asBytes(first).subspan(1)));
    EXPECT_FALSE(session.inUse());
    session.drop(asBytes("no handle"));
    EXPECT_EQ(bytesOf(co_await call(session, dropped, "")), "\x02");
    EXPECT_FALSE(co_await call(session, next, first));

    // Two at once, and one twice.
    const auto both = id(invoker, "both");
    const std::string third = bytesOf(co_await call(session, make, "\x01"));
    const std::string fourth = bytesOf(co_await call(session, make, "\x02"));
    EXPECT_EQ(bytesOf(co_await call(session, both, third + fourth)), "\x03");
    EXPECT_FALSE(co_await call(session, both, third + third)) << "lent and given away";
    EXPECT_EQ(bytesOf(co_await call(session, next, third)), "\x02") << "still ours";
  });
}

TEST_F(ComponentInvokerTest, ThoseWhoShareASessionLeaveWithTheirResources) {
  const auto component = load(libraryGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    ComponentInvoker invoker(
        component, std::make_shared<TestEnvironment>(poller, makeContext(shard)), {}, *log_);
    const auto session = invoker.openForExchanges(shard);
    const auto callFor = [&](std::uint64_t owner, std::string_view function,
                             std::string_view params) {
      return session->invokeFor(owner, context_, id(invoker, function), *encoded(params));
    };
    const std::string nobodys = bytesOf(co_await callFor(0, "counter", "\x05"));
    const std::string first = bytesOf(co_await callFor(1, "counter", "\x05"));
    const std::string given = bytesOf(co_await callFor(1, "counter", "\x05"));
    const std::string second = bytesOf(co_await callFor(2, "counter", "\x05"));
    EXPECT_EQ(bytesOf(co_await callFor(1, "counter.eat", given)), "\x05");
    session->disown(1, 1);
    EXPECT_FALSE(co_await callFor(1, "counter.next", first));
    EXPECT_EQ(bytesOf(co_await callFor(2, "counter.next", second)), "\x06");
    EXPECT_EQ(bytesOf(co_await callFor(2, "dropped", "")), "\x02") << "given away, and left behind";
    session->disown(1, 1);
    session->disown(2, 3);
    session->disown(4, 5);
    EXPECT_EQ(bytesOf(co_await callFor(0, "counter.next", nobodys)), "\x06");
    EXPECT_EQ(bytesOf(co_await callFor(0, "dropped", "")), "\x03");
  });
}

// Those proposals of core WebAssembly that are on, and those that are not.
class ProposalsTest : public ComponentInvokerTest {
 protected:
  static Bytes calling(std::string_view types, std::string_view body) {
    const auto wasm = wit::watToWasm(fmt::format(R"((component
          (core module $m {}
            (func $seven (result i32) (i32.const 7))
            (func (export "run") (result i32) {}))
          (core instance $i (instantiate $m))
          (func $run (result u32) (canon lift (core func $i "run")))
          (instance $api (export "run" (func $run)))
          (export "a:b/c" (instance $api))))",
                                                 types, body),
                                     "test");
    EXPECT_TRUE(wasm) << wasm.error().describe();
    return wasm ? *wasm : Bytes();
  }
};

TEST_F(ProposalsTest, TailCallsGarbageCollectionAndExceptionsWork) {
  const std::pair<std::string_view, std::string_view> guests[] = {
      {"", "(return_call $seven)"},
      {"(type $s (struct (field i32)))", "(struct.get $s 0 (struct.new $s (i32.const 7)))"},
      {"(tag $t (param i32))",
       "(block $h (result i32) (try_table (result i32) (catch $t $h) "
       "(throw $t (i32.const 7))))"}};
  for (const auto& [types, body] : guests) {
    const auto component = load(calling(types, body));
    ASSERT_TRUE(component) << body;
    withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
      EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "run", "a:b/c"), "")), "\x07") << body;
    });
  }
}

TEST_F(ProposalsTest, ObjectsOfAGuestCountAgainstItsMemory) {
  // A list that grows by a mebibyte each time, for ever.
  const auto component =
      load(calling("(type $bytes (array (mut i8))) "
                   "(type $list (struct (field (ref null $list)) (field (ref $bytes)))) "
                   "(global $all (mut (ref null $list)) (ref.null $list))",
                   "(loop $again (global.set $all (struct.new $list (global.get $all) "
                   "(array.new_default $bytes (i32.const 1048576)))) (br $again)) unreachable"));
  ASSERT_TRUE(component);
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const Results results = co_await call(session, id(invoker, "run", "a:b/c"), "");
    EXPECT_EQ(codeOf(results), ErrorCode::kTrap);
    if (!results)
      EXPECT_TRUE(results.error().message().contains("memory limit")) << results.error().describe();
  });
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

TEST_F(ProposalsTest, ThreadsAndWideArithmeticAreRefused) {
  for (const auto& [types, body] : std::initializer_list<std::pair<const char*, const char*>>{
           {"(memory 1 1 shared)", "(i32.const 7)"},
           {"",
            "(drop (i32.const 1)) (i64.add128 (i64.const 1) (i64.const 0) (i64.const 1) "
            "(i64.const 0)) (drop) (drop) (i32.const 7)"}})
    EXPECT_FALSE(engine_->load(calling(types, body).view())) << body;
}

TEST_F(ComponentInvokerTest, ALateCallIsRefusedAndASpinningOneIsCutOff) {
  const auto component = load(libraryGuest());
  ComponentInvokerOptions options;
  options.cpu_limit = milliseconds(40);
  withSession(
      component,
      [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
        const wrpc::CallContext late{consumer_, TimePoint{}, {}};
        const Results refused = co_await session.invoke(late, id(invoker, "calls"), wrpc::Values{});
        EXPECT_EQ(codeOf(refused), ErrorCode::kDeadlineExceeded);
        const Results spun = co_await call(session, id(invoker, "spin"), "");
        EXPECT_EQ(codeOf(spun), ErrorCode::kResourceExhausted);
        EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "calls"), "")), "\x01");
      },
      options);
}

TEST_F(ComponentInvokerTest, TheDeadlineEndsACallThatDoesNotReturn) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    const wrpc::CallContext soon{
        consumer_, std::chrono::steady_clock::now() + milliseconds(30), {}};
    auto spinning = session.invoke(soon, id(invoker, "spin"), wrpc::Values{});
    auto behind = call(session, id(invoker, "calls"), "");
    const Results spun = co_await std::move(spinning);
    EXPECT_EQ(codeOf(spun), ErrorCode::kDeadlineExceeded);
    const Results waited = co_await std::move(behind);
    EXPECT_EQ(codeOf(waited), ErrorCode::kUnavailable) << "its instance is gone";
  });
}

TEST_F(ComponentInvokerTest, GivingACallUpEndsItsGuest) {
  const auto component = load(libraryGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
    {
      const auto given_up = call(session, id(invoker, "spin"), "");
    }
    EXPECT_EQ(bytesOf(co_await call(session, id(invoker, "calls"), "")), "\x01");
    {
      const auto never_awaited = call(session, id(invoker, "spin"), "");
    }
  });
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

Task<Results> answerWhen(Event* event, std::string bytes) {
  co_await event->wait();
  co_return encoded(bytes);
}

TEST_F(ComponentInvokerTest, AsyncExportsOverlapOnOneInstance) {
  Event first;
  Event second;
  const auto provider = std::make_shared<TestInvoker>(
      [&](const std::string&, const std::string& params) -> Eventual<Results> {
        return params == "\x01" ? answerWhen(&first, "\x0a") : answerWhen(&second, "\x14");
      });
  const auto component = load(relayingGuest());
  const GuestContextOptions guest = contextWith(*component, provider);
  withSession(
      component,
      [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
        const auto relay = id(invoker, "relay", "");
        auto one = call(session, relay, "\x01");
        auto two = call(session, relay, "\x02");
        EXPECT_FALSE(one.ready());
        EXPECT_FALSE(two.ready());
        second.set();
        EXPECT_EQ(bytesOf(co_await std::move(two)), "\x14");
        first.set();
        EXPECT_EQ(bytesOf(co_await std::move(one)), "\x0a");
        EXPECT_EQ(provider->events(), std::vector<std::string>{"open"});
      },
      {}, guest);
  EXPECT_EQ(provider->events(), (std::vector<std::string>{"open", "close"}));
}

TEST_F(ComponentInvokerTest, CpuTimeThatCallsDidNotUseIsNotLeftToOthers) {
  Event never;
  const auto provider = std::make_shared<TestInvoker>(
      [&](const std::string&, const std::string&) -> Eventual<Results> {
        return answerWhen(&never, "");
      });
  const auto component = load(relayingGuest());
  ComponentInvokerOptions options;
  options.cpu_limit = milliseconds(100);
  withSession(
      component,
      [&](ComponentInvoker& invoker, wrpc::Session& session) -> Task<void> {
        const auto relay = id(invoker, "relay", "");
        auto waiting = call(session, relay, "\x01");  // so that the instance is never idle
        for (int i = 0; i < 700; ++i) {
          EXPECT_EQ(bytesOf(co_await call(session, relay, "\x64")), "\0"s) << i;
        }
        // All calls together might have used more than a minute.
        const wrpc::CallContext bounded{
            consumer_, std::chrono::steady_clock::now() + std::chrono::seconds(60), {}};
        auto spinning = session.invoke(bounded, relay, *encoded("\x65"));
        EXPECT_EQ(codeOf(co_await std::move(spinning)), ErrorCode::kResourceExhausted);
        EXPECT_EQ(codeOf(co_await std::move(waiting)), ErrorCode::kResourceExhausted);
      },
      options, contextWith(*component, provider));
}

// The inner guest is polled while the outer one waits for it.
TEST_F(ComponentInvokerTest, AComponentCanProvideForAnother) {
  const auto inner = load(addingGuest());
  const auto outer = load(importingGuest(
      "package test:provider@1.2.3; interface api { add: func(a: u32, b: u32) -> u32; }",
      R"((module
        (import "test:provider/api@1.2.3" "add" (func $add (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "wasi:cli/run@0.2.0#run") (result i32)
          (i32.ne (call $add (i32.const 40) (i32.const 2)) (i32.const 42)))))"));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto invoker = std::make_shared<ComponentInvoker>(
        inner, std::make_shared<TestEnvironment>(poller, makeContext(shard)),
        ComponentInvokerOptions{}, *log_);
    auto imports = ImportSet::create(
        *outer, {{"test:provider/api@1.2.3", "", invoker, std::make_shared<wrpc::Consumer>()}});
    EXPECT_TRUE(imports) << imports.error().describe();
    GuestContextOptions guest = roomyContext();
    guest.imports = *imports;
    const auto context = makeContext(shard, guest);
    CommandCall call(poller, outer, *context);
    const CallOutcome outcome = co_await call.run();
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::kOk) << outcome.message;
  });
}

TEST_F(ComponentInvokerTest, AFunctionWhoseTypesCannotCrossSaysSo) {
  const auto component = load(countingGuest());
  withSession(component, [&](ComponentInvoker& invoker, wrpc::Session&) -> Task<void> {
    const auto refused = invoker.resolve({"wasi:http/incoming-handler@0.2.0", "handle"});
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
      EXPECT_NE(refused.error().message().find("handle"), std::string::npos);
    }
    co_return;
  });
}

}  // namespace
}  // namespace nimbus::engine
