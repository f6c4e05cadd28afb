// Keywords, versions side by side, and the own functions and types of a world.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "corpus/api_1_0_0/types.h"
#include "corpus/api_2_0_0/calls.h"
#include "corpus/api_2_0_0/types.h"
#include "corpus/keywords/class_.h"
#include "corpus/worlds/log.h"
#include "corpus/worlds/machine.h"
#include "corpus/worlds/machine_exports.h"

namespace nimbus {
namespace {

namespace words = ::corpus::keywords::class_;
namespace api1 = ::corpus::api_1_0_0;
namespace api2 = ::corpus::api_2_0_0;
namespace worlds = ::corpus::worlds;
using wrpc::Answer;
using wrpc::CallContext;

class Operator final : public words::Handler_ {
 public:
  explicit Operator(std::uint32_t value) : value_(value) {}
  Answer<std::uint32_t> delete_(const CallContext&, std::uint32_t context_,
                                std::uint32_t out_) override {
    return value_ + context_ * out_;
  }
  Answer<std::uint32_t> remoteHandle_(const CallContext&) override { return 1U; }
  Answer<std::uint32_t> parameters(const CallContext&) override { return 2U; }
  Answer<std::string> callFunction(const CallContext&, std::string_view call_) override {
    return std::string(call_);
  }
  Answer<std::uint32_t> operator_(const CallContext&, words::Handler_& other) override {
    return 10 * value_ + static_cast<Operator&>(other).value_;
  }

 private:
  std::uint32_t value_;
};

class Words final : public words::Handler {
 public:
  Answer<wrpc::Own<words::Handler_>> newHandler(const CallContext&, std::uint32_t new_) override {
    return std::make_unique<Operator>(new_);
  }
  Answer<wrpc::Own<words::Handler_>> handlerNew(const CallContext&, std::uint32_t this_) override {
    return std::make_unique<Operator>(this_ + 1);
  }
  Answer<words::Template> switch_(const CallContext&, words::Struct int_, words::Union union_,
                                  words::StaticAssert static_) override {
    if (static_.const_) return words::Template{words::Template::Template_{union_}};
    if (int_.self_) return words::Template{words::Template::Typename{std::move(int_.double_)}};
    return words::Template{words::Template::Auto{}};
  }
  Answer<std::uint32_t> context_(const CallContext&, std::uint32_t handler_, std::uint32_t context_,
                                 std::uint32_t call_, std::uint32_t self_,
                                 std::uint32_t out_) override {
    return handler_ + context_ + call_ + self_ + out_;
  }
  Answer<words::Client_> connect_(const CallContext&, words::Client_ invoker) override {
    return invoker;
  }
  Answer<std::vector<words::Template>> serve_(const CallContext&) override {
    return std::vector<words::Template>(2);
  }
};

class NameBindings : public net::ShardTest {};

TEST_F(NameBindings, EscapeKeywords) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {words::serve(std::make_shared<Words>())});
    const CallContext& context = local.context();
    const auto client = local.connect<words::Client>();
    const auto three = (co_await client->newHandler(context, 3)).value();
    const auto five = (co_await client->handlerNew(context, 4)).value();
    EXPECT_EQ((co_await three->operator_(context, *five)).value(), 35U);
    EXPECT_EQ((co_await three->delete_(context, 2, 4)).value(), 11U);
    EXPECT_EQ((co_await three->remoteHandle_(context)).value(), 1U);
    EXPECT_EQ((co_await three->parameters(context)).value(), 2U);
    EXPECT_EQ((co_await three->callFunction(context, "x")).value(), "x");
    const words::Struct structure = {.int_ = 1, .double_ = "d", .self_ = true, .delete_ = 7};
    const auto with = [&](words::StaticAssert flags) {
      return client->switch_(context, structure, words::Union::kDefault, flags).intoTask();
    };
    EXPECT_EQ((co_await with({.const_ = true})).value(),
              (words::Template{words::Template::Template_{words::Union::kDefault}}));
    EXPECT_EQ((co_await with({})).value(), (words::Template{words::Template::Typename{"d"}}));
    EXPECT_EQ((co_await client->context_(context, 1, 2, 3, 4, 5)).value(), 15U);
    EXPECT_EQ((co_await client->connect_(context, structure)).value(), structure);
    EXPECT_EQ((co_await client->serve_(context)).value().size(), 2U);
  });
}

class TypesOne final : public api1::types::Handler {
 public:
  Answer<std::string> describe(const CallContext&, api1::types::Item item) override {
    return "1: " + item.name;
  }
};
class TypesTwo final : public api2::types::Handler {
 public:
  Answer<std::string> describe(const CallContext&, api2::types::Item item) override {
    return "2: " + item.name + " " + std::to_string(item.size);
  }
};
class CallsTwo final : public api2::calls::Handler {
 public:
  Answer<api2::calls::Item> grow(const CallContext&, api2::calls::Item item) override {
    item.size *= 2;
    return item;
  }
};

TEST_F(NameBindings, KeepVersionsApart) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {api1::types::serve(std::make_shared<TypesOne>()),
                              api2::types::serve(std::make_shared<TypesTwo>()),
                              api2::calls::serve(std::make_shared<CallsTwo>())});
    const CallContext& context = local.context();
    const auto one = local.connect<api1::types::Client>();
    const auto two = local.connect<api2::types::Client>();
    const auto calls = local.connect<api2::calls::Client>();
    EXPECT_EQ((co_await one->describe(context, {.name = "a"})).value(), "1: a");
    const api2::types::Item grown = (co_await calls->grow(context, {"b", 4})).value();
    EXPECT_EQ((co_await two->describe(context, grown)).value(), "2: b 8");
  });
}

TEST_F(NameBindings, NameTheInterfaceThatNobodyServes) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {api1::types::serve(std::make_shared<TypesOne>())});
    const auto client = api2::types::Client::connect(local.invoker(), local.session());
    EXPECT_EQ(client.error().message(),
              "nobody serves function \"describe\" of \"corpus:api/types@2.0.0\"");
    co_return;
  });
}

class Screen final : public worlds::machine::Screen {
 public:
  explicit Screen(worlds::shared::Size size) : size_(size) {}
  Answer<std::uint64_t> area(const CallContext&) override {
    return std::uint64_t{size_.width} * size_.height;
  }

 private:
  worlds::shared::Size size_;
};
class Machine final : public worlds::machine::Handler {
 public:
  Answer<wrpc::Own<worlds::machine::Screen>> newScreen(const CallContext&,
                                                       worlds::machine::Size size) override {
    return std::make_unique<Screen>(size);
  }
  Answer<std::expected<std::uint32_t, std::string>> paint(const CallContext& context,
                                                          worlds::machine::Screen& screen,
                                                          worlds::machine::Color color) override {
    if (color == worlds::machine::Color::kGreen) return wrpc::err(std::string("no green"));
    auto area = screen.area(context);
    return static_cast<std::uint32_t>(area.take().value());
  }
};
class Program final : public worlds::machine_exports::Handler {
 public:
  Answer<std::uint32_t> run(const CallContext&, std::vector<std::string> arguments,
                            worlds::machine::Size size) override {
    return static_cast<std::uint32_t>(arguments.size()) + size.width;
  }
};
class Log final : public worlds::log::Handler {
 public:
  explicit Log(std::string& text) : text_(text) {}
  Answer<void> write(const CallContext&, std::string_view line) override {
    text_ += line;
    return Result<void>();
  }

 private:
  std::string& text_;
};

TEST_F(NameBindings, ServeWhatAWorldHasOfItsOwn) {
  run([](net::Shard& shard) -> Task<void> {
    std::string written;
    wrpc::Local local(shard, {worlds::machine::serve(std::make_shared<Machine>()),
                              worlds::machine_exports::serve(std::make_shared<Program>()),
                              worlds::log::serve(std::make_shared<Log>(written))});
    const CallContext& context = local.context();
    const auto machine = local.connect<worlds::machine::Client>();
    const auto screen = (co_await machine->newScreen(context, {3, 4})).value();
    EXPECT_EQ((co_await screen->area(context)).value(), 12U);
    EXPECT_EQ((co_await machine->paint(context, *screen, worlds::machine::Color::kRed)).value(),
              12U);
    EXPECT_EQ(
        (co_await machine->paint(context, *screen, worlds::machine::Color::kGreen)).value().error(),
        "no green");
    const auto program = local.connect<worlds::machine_exports::Client>();
    EXPECT_EQ((co_await program->run(context, std::vector<std::string>{"a", "b"}, {40, 0})).value(),
              42U);
    const auto log = local.connect<worlds::log::Client>();
    EXPECT_TRUE((co_await log->write(context, "line")).has_value());
    EXPECT_EQ(written, "line");
    // On the wire a world's functions have no instance, an interface within it that of its package.
    EXPECT_TRUE(local.invoker().resolve({"", "screen.area"}).has_value());
    EXPECT_TRUE(local.invoker().resolve({"corpus:worlds/log@0.1.0", "write"}).has_value());
  });
}

}  // namespace
}  // namespace nimbus
